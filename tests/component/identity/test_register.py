"""I1, I2: registration with the numbers on the latest invoice."""

import asyncio
import datetime as dt
import unicodedata
from typing import Literal

import msgspec
import pytest

from services.contracts.identity.events import AccessStated, Grant, OrganisationStated
from services.contracts.identity.people import Registered
from services.contracts.identity.sessions import SignedIn
from services.contracts.permission import Role, SubjectKind
from services.contracts.values import Refusal, refuse
from services.identity.settings import IdentitySettings
from tests.component.identity.actions import (
    INVOICE,
    KELTA,
    MIRJA,
    Harness,
    caller_of,
    codes,
    customers,
    expect,
    invoice,
    register,
    registered,
    sign_in,
    signed_in,
)


async def test_the_first_of_an_organisation_is_its_admin_with_billing(harness: Harness) -> None:
    organisations = await customers(harness)
    answer = expect(Registered, await register(harness))
    assert not answer.access_requested

    (stated,) = await harness.emitted_events(AccessStated)
    assert (stated.subject_id, stated.kind, stated.version, stated.active) == (
        answer.user_id,
        SubjectKind.USER,
        1,
        True,
    )
    assert stated.grants == [Grant(organisation_id=organisations[MIRJA], role=Role.ADMIN, billing=True)]
    me = await harness.api(await caller_of(harness, (await signed_in(harness)).access_token)).me()
    assert me is not None
    assert (me.id, me.username, me.staff) == (answer.user_id, "mirja@example.com", False)
    (membership,) = me.memberships
    assert (membership.organisation.name, membership.role, membership.billing) == ("AS OY MIRJA", Role.ADMIN, True)


async def test_a_later_user_requests_access_and_reaches_nothing_yet(harness: Harness) -> None:
    organisations = await customers(harness)
    await registered(harness)
    answer = expect(Registered, await register(harness, username="Naapuri"))
    assert answer.access_requested
    stated = (await harness.emitted_events(AccessStated))[-1]
    assert (stated.subject_id, stated.grants) == (answer.user_id, [])
    requested = await harness.pool.fetch("SELECT organisation_id FROM access_requests")
    assert len(requested) == 1
    naapuri = harness.api(await caller_of(harness, (await signed_in(harness, "naapuri")).access_token))
    assert await naapuri.organisations_by_id([organisations[MIRJA]]) == [None]


async def test_of_concurrent_first_users_one_is_the_admin(harness: Harness) -> None:
    await customers(harness)
    answers = await asyncio.gather(*(register(harness, username=f"naapuri {number}") for number in range(4)))
    assert sorted(expect(Registered, answer).access_requested for answer in answers) == [False, True, True, True]
    stated = await harness.emitted_events(AccessStated)
    assert sorted(len(one.grants) for one in stated) == [0, 0, 0, 1]


async def test_the_accepted_terms_are_kept_with_their_time(harness: Harness) -> None:
    await customers(harness)
    await registered(harness)
    (row,) = await harness.pool.fetch("SELECT terms_version, terms_accepted_at FROM users")
    assert (row["terms_version"], row["terms_accepted_at"]) == ("2026-01", harness.clock.now())


async def test_blanks_around_input_are_ignored(harness: Harness) -> None:
    await customers(harness)
    await registered(harness, customer_number=f" {MIRJA}", invoice_number=f"{INVOICE} ", username="  Mirja   Meri ")
    assert (await signed_in(harness, "mirja meri")).expires_in == 600


@pytest.mark.parametrize(
    "wrong",
    [
        {"customer_number": "62-9999999-99"},
        {"invoice_number": "1962858"},
        {"invoice_number": "1870011"},
        {"customer_number": KELTA},
    ],
    ids=["unknown customer", "wrong invoice", "an older invoice", "another's customer number"],
)
async def test_every_wrong_pair_is_refused_with_the_same_code_after_the_same_work(
    harness: Harness, hash_calls: list[str], wrong: dict[str, str]
) -> None:
    await customers(harness)
    await harness.receive(*(invoice(f"190000{day}", dt.date(2026, 3, day)) for day in (2, 3)))
    assert await register(harness, **wrong) == refuse("CUSTOMER_NOT_RECOGNISED")
    assert hash_calls == ["hash"]
    assert await harness.emitted_events(AccessStated) == []


async def test_a_wrong_pair_locks_nothing_which_would_take_longer_for_a_known_customer(harness: Harness) -> None:
    await customers(harness)
    async with harness.work() as tx, asyncio.timeout(60):
        assert await tx.organisations.lock_by_number([MIRJA])
        assert codes(await register(harness, invoice_number="1962858")) == [("CUSTOMER_NOT_RECOGNISED", "")]


async def test_invoices_of_the_latest_dates_count(harness: Harness) -> None:
    await customers(harness)
    await harness.receive(invoice("1900001", dt.date(2026, 3, 2)), invoice("1900002", dt.date(2026, 3, 3)))
    assert codes(await register(harness, invoice_number="1870011")) == [("CUSTOMER_NOT_RECOGNISED", "")]
    for number in ("1900002", "1900001", INVOICE):
        await registered(harness, invoice_number=number, username=f"user {number}")


async def test_the_operator_chooses_how_many_invoices_count(harness: Harness, settings: IdentitySettings) -> None:
    harness.settings = msgspec.structs.replace(settings, latest_invoices=1)
    await customers(harness)
    await harness.receive(
        invoice("2000001", dt.date(2026, 3, 2)),
        invoice("2000002", dt.date(2026, 3, 2)),
        invoice("3000000", dt.date(2026, 3, 3), customer_number=KELTA),
    )
    assert codes(await register(harness)) == [("CUSTOMER_NOT_RECOGNISED", "")]
    await registered(harness, invoice_number="2000001")
    await registered(harness, invoice_number="2000002", username="another")


async def test_an_invoice_is_replaced_by_a_higher_version_only(harness: Harness) -> None:
    await customers(harness)
    first = invoice("2000001", dt.date(2026, 3, 2), version=2)
    older = msgspec.structs.replace(first, invoice_number="2000000", version=1)
    await harness.receive(first, older, first)
    assert codes(await register(harness, invoice_number="2000000")) == [("CUSTOMER_NOT_RECOGNISED", "")]
    await registered(harness, invoice_number="2000001")
    await harness.receive(msgspec.structs.replace(first, invoice_date=dt.date(2026, 1, 1), version=3))
    await registered(harness, invoice_number=INVOICE, username="another")


async def test_an_invoice_may_come_before_its_organisation(harness: Harness) -> None:
    await harness.receive(invoice(INVOICE, dt.date(2026, 3, 1)))
    assert codes(await register(harness)) == [("CUSTOMER_NOT_RECOGNISED", "")]
    await customers(harness)
    await registered(harness)


async def test_all_problems_of_the_form_are_listed(harness: Harness) -> None:
    await customers(harness)
    answer = await register(
        harness,
        customer_number="62-1",
        invoice_number="abc",
        username="ab",
        email="mirja@",
        password="lyhyt",
        terms_version=None,
    )
    assert codes(answer) == [
        ("MALFORMED", "customerNumber"),
        ("MALFORMED", "invoiceNumber"),
        ("MALFORMED", "username"),
        ("MALFORMED", "email"),
        ("WEAK_PASSWORD", "password"),
        ("TERMS_REQUIRED", "termsVersion"),
    ]


async def test_a_name_that_only_looks_like_another_is_refused_with_the_reason(harness: Harness) -> None:
    await customers(harness)
    (problem,) = expect(Refusal, await register(harness, username="stаff")).problems  # its a is Cyrillic
    assert (problem.code, problem.path, problem.params) == ("MALFORMED", ["username"], {"reason": "MIXED_SCRIPTS"})


async def test_other_terms_than_todays_are_not_enough(harness: Harness) -> None:
    await customers(harness)
    (problem,) = expect(Refusal, await register(harness, terms_version="2019-05")).problems
    assert (problem.code, problem.params) == ("TERMS_REQUIRED", {"version": "2026-01"})


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("customer_number", "62-1", "EXAMPLE"),
        ("invoice_number", "", "EXAMPLE"),
        ("email", "mirja@", "EXAMPLE"),
        ("username", " ", "REQUIRED"),
        ("username", "ab", "TOO_SHORT"),
        ("username", "x" * 101, "TOO_LONG"),
        ("username", "mirja\u200b", "CHARACTERS"),
    ],
)
async def test_a_fault_of_the_form_has_a_reason(harness: Harness, field: str, value: str, reason: str) -> None:
    await customers(harness)
    (problem,) = expect(Refusal, await register(harness, **{field: value})).problems
    assert (problem.code, problem.params["reason"]) == ("MALFORMED", reason)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("yksitoista1", "TOO_SHORT"),
        ("x" * 257, "TOO_LONG"),
        ("Salasana2026!", "COMMON"),
        ("MIRJA@example.com", "CONTAINS_USERNAME"),
    ],
)
async def test_a_weak_password_is_refused_with_the_reason(harness: Harness, password: str, reason: str) -> None:
    await customers(harness)
    (problem,) = expect(Refusal, await register(harness, password=password)).problems
    assert (problem.code, problem.path, problem.params["reason"]) == ("WEAK_PASSWORD", ["password"], reason)


@pytest.mark.parametrize("registered_as", ["NFC", "NFD"])
async def test_the_longest_password_can_be_used_however_a_keyboard_composes_it(
    harness: Harness, registered_as: Literal["NFC", "NFD"]
) -> None:
    await customers(harness)
    decomposable = [chr(0x1F80 + number % 48) for number in range(0x7F)]
    password = "".join(decomposable) + "".join(chr(0x4E00 + number) for number in range(256 - len(decomposable)))
    await registered(harness, password=unicodedata.normalize(registered_as, password))
    for form in ("NFC", "NFD"):
        expect(SignedIn, await sign_in(harness, password=unicodedata.normalize(form, password)))
    assert codes(await sign_in(harness, password=password + "x")) == [("SIGN_IN_FAILED", "")]
    assert codes(await sign_in(harness, password=password + "x" * 1_000)) == [("SIGN_IN_FAILED", "")]


async def test_a_taken_username_is_refused_only_with_the_right_numbers(harness: Harness) -> None:
    await customers(harness)
    await registered(harness)
    assert codes(await register(harness, username="MIRJA@Example.com")) == [("USERNAME_TAKEN", "username")]
    assert codes(await register(harness, invoice_number="1111111")) == [("CUSTOMER_NOT_RECOGNISED", "")]
    assert len(await harness.emitted_events(AccessStated)) == 1


async def test_concurrent_registrations_get_one_username_once(harness: Harness) -> None:
    await customers(harness)
    await harness.receive(invoice("5000000", dt.date(2026, 3, 1), customer_number=KELTA))
    answers = await asyncio.gather(
        register(harness), register(harness, customer_number=KELTA, invoice_number="5000000")
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Refusal", "Registered"]


async def test_ten_wrong_tries_on_a_customer_number_slow_down_all_others(harness: Harness) -> None:
    await customers(harness)
    answers = await asyncio.gather(
        *(register(harness, address=f"192.0.2.{number}", invoice_number="1111111") for number in range(12))
    )
    refused = [codes(answer)[0][0] for answer in answers]
    assert sorted(refused) == ["CUSTOMER_NOT_RECOGNISED"] * 10 + ["TOO_MANY_ATTEMPTS"] * 2
    (problem,) = expect(Refusal, await register(harness, address="198.51.100.7")).problems
    assert (problem.code, problem.retryable) == ("TOO_MANY_ATTEMPTS", True)

    harness.clock.move(seconds=int(problem.params["seconds"]))
    await registered(harness, address="198.51.100.7")


async def test_the_customer_is_admitted_while_another_address_guesses(harness: Harness) -> None:
    await customers(harness)
    for _ in range(10):
        await register(harness, invoice_number="1111111")
    assert codes(await register(harness, address="198.51.100.7")) == [("TOO_MANY_ATTEMPTS", "")]
    harness.clock.move(seconds=30)
    assert codes(await register(harness, invoice_number="1111112")) == [("TOO_MANY_ATTEMPTS", "")]
    await registered(harness, address="198.51.100.7")


async def test_an_address_has_fifty_wrong_attempts_for_all_customers(harness: Harness) -> None:
    await customers(harness)
    await harness.pool.execute("UPDATE attempts SET count = 0")
    await register(harness, customer_number="62-0000500-00")
    await harness.pool.execute("UPDATE attempts SET count = 49 WHERE scope = 'ADDRESS'")
    assert codes(await register(harness, customer_number="62-0000501-00")) == [("CUSTOMER_NOT_RECOGNISED", "")]
    assert codes(await register(harness, customer_number="62-0000502-00")) == [("TOO_MANY_ATTEMPTS", "")]
    await registered(harness, address="198.51.100.7")


async def test_addresses_of_one_network_are_counted_as_one(harness: Harness) -> None:
    await customers(harness)
    for number, address in enumerate(("2001:db8:1:2::1", "2001:db8:1:2:ffff::7", "192.0.2.1", "::ffff:192.0.2.1")):
        await register(harness, address=address, customer_number=f"62-000050{number}-00")
    counts = await harness.pool.fetch("SELECT count FROM attempts WHERE scope = 'ADDRESS'")
    assert [row["count"] for row in counts] == [2, 2]


async def test_successful_attempts_do_not_count(harness: Harness) -> None:
    await customers(harness)
    for number in range(12):
        await registered(harness, username=f"naapuri {number}")
    assert await harness.pool.fetchval("SELECT sum(count) FROM attempts") == 0


async def test_events_contain_no_name_and_no_address(harness: Harness) -> None:
    await customers(harness)
    await registered(harness)
    kinds = {type(event) for event in await harness.emitted_events()}
    assert kinds == {AccessStated, OrganisationStated}
    written = b"".join(row["data"] for row in await harness.pool.fetch("SELECT data FROM chassis.outbox"))
    assert b"example.com" not in written
    assert b"AS OY" not in written
