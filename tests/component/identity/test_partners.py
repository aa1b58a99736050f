"""I13: partners, their tokens, and those of Kierto's own services."""

import asyncio
from typing import Any

import pytest
from msgspec import UNSET

from services.chassis.ids import find_id, new_uuid, write_id
from services.chassis.problems import Forbidden, MalformedInput
from services.contracts.identity.events import AccessStated, Grant
from services.contracts.identity.organisations import (
    OrganisationFilter,
    OrganisationKind,
    OrganisationOrder,
    OrganisationOrderField,
)
from services.contracts.identity.partners import (
    PartnerCreated,
    PartnerFilter,
    PartnerOrder,
    PartnerOrderField,
    PartnerRevoked,
)
from services.contracts.permission import SubjectKind
from services.contracts.values import Conflict, ConflictField, Page, Refusal, SortDirection
from tests.component.identity.actions import (
    KELTA,
    MIRJA,
    Harness,
    claims,
    client_claims,
    codes,
    customers,
    expect,
    partner,
    partner_command,
    registered,
    service,
    sign_in,
    signed_in,
    staff,
    token_for,
)


async def test_a_partner_reaches_the_organisations_that_staff_named(harness: Harness) -> None:
    organisations = await customers(harness)
    created = await partner(harness, organisation_ids=[organisations[MIRJA], organisations[MIRJA]])
    (stated,) = await harness.emitted_events(AccessStated)
    assert (stated.subject_id, stated.kind, stated.version) == (created.partner.id, SubjectKind.PARTNER, 1)
    assert stated.scopes == ["orders:read", "pickups:report"]
    assert stated.grants == [Grant(organisation_id=organisations[MIRJA])]
    caller = await harness.caller(*stated.grants, kind=SubjectKind.PARTNER)
    seen = await harness.api(caller).organisations_by_id([organisations[KELTA], organisations[MIRJA], "org_x"])
    assert [one.name if one else None for one in seen] == [None, "AS OY MIRJA", None]


async def test_the_organisations_of_partners_are_paged_by_name(harness: Harness) -> None:
    organisations = await customers(harness)
    both = await partner(harness, organisation_ids=[organisations[KELTA], organisations[MIRJA]])
    everything = await partner(harness, idempotency_key="two", all_organisations=True)
    api = harness.api(await staff(harness))
    partner_ids = [both.partner.id, everything.partner.id, "partner_x"]
    pages = await api.organisations_of_partners(partner_ids, Page(first=1))
    assert [[edge.node.name for edge in page.edges] for page in pages] == [["AS OY MIRJA"], [], []]
    assert [page.total_count for page in pages] == [2, 0, 0]
    (after,) = await api.organisations_of_partners(
        [both.partner.id], Page(first=1, after=pages[0].page_info.end_cursor)
    )
    assert [edge.node.id for edge in after.edges] == [organisations[KELTA]]
    (last,) = await api.organisations_of_partners([both.partner.id], Page(last=1))
    assert [edge.node.id for edge in last.edges] == [organisations[KELTA]]
    with pytest.raises(MalformedInput, match="OTHER_LIST"):
        await api.organisations_of_partners([everything.partner.id], Page(after=pages[0].page_info.end_cursor))
    assert await api.organisations_of_partners([], Page()) == []
    (uncounted,) = await api.organisations_of_partners([both.partner.id], Page(total=False))
    assert uncounted.total_count is UNSET


async def test_the_organisations_of_partners_are_filtered_and_ordered(harness: Harness) -> None:
    organisations = await customers(harness)
    ids = [organisations[KELTA], organisations[MIRJA]]
    both = await partner(harness, organisation_ids=ids)
    one = await partner(harness, idempotency_key="two", organisation_ids=ids[:1])
    api = harness.api(await staff(harness))

    async def numbers(conditions: OrganisationFilter | None, order: OrganisationOrder | None = None) -> list[list[str]]:
        pages = await api.organisations_of_partners([both.partner.id, one.partner.id], Page(), conditions, order)
        found = [[edge.node.customer_number for edge in page.edges] for page in pages]
        assert [page.total_count for page in pages] == [len(each) for each in found]
        return found

    by_number = OrganisationOrder(field=OrganisationOrderField.CUSTOMER_NUMBER, direction=SortDirection.DESC)
    assert await numbers(None) == [[MIRJA, KELTA], [KELTA]]
    assert await numbers(None, by_number) == [[KELTA, MIRJA], [KELTA]]
    for conditions in (
        OrganisationFilter(kinds=[OrganisationKind.HOUSING_COMPANY]),
        OrganisationFilter(customer_numbers=[MIRJA]),
        OrganisationFilter(ids=[organisations[MIRJA]]),
        OrganisationFilter(search="mirja"),
    ):
        assert await numbers(conditions) == [[MIRJA], []]
    none_at_once = OrganisationFilter(ids=[organisations[MIRJA]], kinds=[OrganisationKind.HOUSEHOLD])
    assert await numbers(none_at_once, by_number) == [[], []]


async def test_an_empty_list_is_no_organisation_and_all_is_explicit_and_audited(harness: Harness) -> None:
    none, everything = await partner(harness), await partner(harness, idempotency_key="two", all_organisations=True)
    assert [stated.grants for stated in await harness.emitted_events(AccessStated)] == [
        [],
        [Grant(organisation_id=None)],
    ]
    audited = await harness.pool.fetch(
        "SELECT subject, at FROM chassis.audit WHERE action = 'ALL_ORGANISATIONS_GRANTED'"
    )
    assert [(row["subject"], row["at"]) for row in audited] == [(everything.partner.id, harness.clock.now())]
    assert not none.partner.all_organisations


async def test_all_problems_of_a_partner_are_listed(harness: Harness) -> None:
    organisations = await customers(harness)
    api = harness.api(await staff(harness))
    wrong = partner_command(
        name=" ", scopes=["orders:read", "everything"], organisation_ids=[organisations[MIRJA]], all_organisations=True
    )
    assert codes(await api.create_partner(wrong)) == [
        ("MALFORMED", "name"),
        ("INVALID_SCOPE", "scopes.1"),
        ("MALFORMED", "organisationIds"),
    ]
    for name, reason in ((" ", "REQUIRED"), ("x" * 101, "TOO_LONG"), ("a\u200bb", "CHARACTERS")):
        (problem,) = expect(Refusal, await api.create_partner(partner_command(name=name))).problems
        assert (problem.path, problem.params["reason"]) == (["name"], reason)
    unknown = partner_command(organisation_ids=[organisations[MIRJA], write_id("org", new_uuid()), "org_x"])
    assert codes(await api.create_partner(unknown)) == [
        ("NOT_FOUND", "organisationIds.1"),
        ("NOT_FOUND", "organisationIds.2"),
    ]
    assert await harness.emitted_events(AccessStated) == []


async def test_the_same_key_again_makes_no_second_partner_and_shows_no_secret(harness: Harness) -> None:
    api = harness.api(await staff(harness))
    answers = [
        expect(PartnerCreated, answer)
        for answer in await asyncio.gather(*(api.create_partner(partner_command()) for _ in range(5)))
    ]
    assert len({answer.partner.id for answer in answers}) == 1
    assert len([answer for answer in answers if answer.client_secret]) == 1
    assert len(await harness.emitted_events(AccessStated)) == 1
    await api.revoke_partner(answers[0].partner.id, answers[0].partner.version)
    again = expect(PartnerCreated, await api.create_partner(partner_command()))
    assert (again.partner.id, again.partner.active, again.client_secret) == (answers[0].partner.id, False, None)
    (kept,) = await harness.pool.fetch("SELECT result_type, result_ids FROM chassis.answers")
    assert tuple(kept) == ("PartnerCreated", [again.partner.id])
    other = await api.create_partner(partner_command(name="Other Oy"))
    assert codes(other) == [("IDEMPOTENCY_CONFLICT", "idempotencyKey")]


async def test_a_partners_token_names_it_and_its_scopes(harness: Harness) -> None:
    created = await partner(harness)
    token_claims = await client_claims(harness, created.partner.client_id, created.client_secret)
    assert (token_claims.sub, token_claims.client_id, token_claims.kind) == (
        created.partner.id,
        created.partner.client_id,
        "PARTNER",
    )
    assert (token_claims.scope, token_claims.av, token_claims.sid, token_claims.act) == (
        "orders:read pickups:report",
        1,
        "",
        {},
    )
    narrowed = await client_claims(harness, created.partner.client_id, created.client_secret, "pickups:report")
    assert narrowed.scope == "pickups:report"


async def test_invalid_token_requests_are_refused(harness: Harness) -> None:
    created = await partner(harness)
    client_id, secret = created.partner.client_id, created.client_secret
    assert codes(await token_for(harness, client_id, "wrong")) == [("INVALID_CLIENT", "")]
    assert codes(await token_for(harness, write_id("partner", new_uuid()), secret)) == [("INVALID_CLIENT", "")]
    assert codes(await token_for(harness, "", "")) == [("INVALID_CLIENT", "")]
    assert codes(await token_for(harness, client_id, secret, "orders:subscribe")) == [("INVALID_SCOPE", "scope")]
    assert codes(await token_for(harness, client_id, secret, subject="user_x")) == [("INVALID_CLIENT", "subject")]


async def test_a_revoked_partner_gets_no_token_and_its_access_is_stated(harness: Harness) -> None:
    organisations = await customers(harness)
    created = await partner(harness, organisation_ids=[organisations[MIRJA]])
    api = harness.api(await staff(harness))
    for _ in range(2):
        answer = expect(PartnerRevoked, await api.revoke_partner(created.partner.id, created.partner.version))
        assert (answer.partner.active, answer.partner.version, answer.problems) == (False, 2, [])
    first, last = await harness.emitted_events(AccessStated)
    assert (first.version, last.version, last.active, last.grants, last.scopes) == (1, 2, False, [], [])
    assert codes(await token_for(harness, created.partner.client_id, created.client_secret)) == [("INVALID_CLIENT", "")]
    for unknown in (write_id("partner", new_uuid()), "partner_x"):
        assert codes(await api.revoke_partner(unknown, 1)) == [("NOT_FOUND", "id")]


async def test_a_partner_is_revoked_in_the_version_that_staff_have_seen(harness: Harness) -> None:
    created = await partner(harness)
    refused = expect(Conflict, await harness.api(await staff(harness)).revoke_partner(created.partner.id, 7))
    assert (refused.thing_id, refused.fields) == (
        created.partner.id,
        [ConflictField(path=["version"], yours=7, now=created.partner.version)],
    )
    assert codes(refused) == [("CONFLICT", "version")]
    assert len(await harness.emitted_events(AccessStated)) == 1
    await token_for(harness, created.partner.client_id, created.client_secret)


async def test_a_right_secret_is_accepted_whatever_people_at_its_address_mistyped(harness: Harness) -> None:
    created = await partner(harness)
    await sign_in(harness, "nobody", "not the password")
    await harness.pool.execute("UPDATE attempts SET count = 50")
    assert codes(await sign_in(harness, "someone", "not the password")) == [("TOO_MANY_ATTEMPTS", "")]
    await client_claims(harness, created.partner.client_id, created.client_secret)
    await client_claims(harness, "service:support", "the secret of support")
    assert codes(await token_for(harness, created.partner.client_id, "wrong")) == [("INVALID_CLIENT", "")]


async def test_wrong_secrets_are_counted_and_keep_no_right_one_out(harness: Harness) -> None:
    created = await partner(harness)
    for _ in range(50):
        assert codes(await token_for(harness, created.partner.client_id, "wrong")) == [("INVALID_CLIENT", "")]
    assert codes(await token_for(harness, created.partner.client_id, "wrong")) == [("TOO_MANY_ATTEMPTS", "")]
    assert codes(await token_for(harness, "service:support", "wrong")) == [("TOO_MANY_ATTEMPTS", "")]
    await client_claims(harness, created.partner.client_id, created.client_secret)
    await client_claims(harness, "service:support", "the secret of support")
    elsewhere = await token_for(harness, created.partner.client_id, "wrong", address="198.51.100.7")
    assert codes(elsewhere) == [("INVALID_CLIENT", "")]
    assert codes(await sign_in(harness, "nobody", "not the password")) == [("SIGN_IN_FAILED", "")], (
        "people have their own"
    )


async def test_a_machines_attempt_waits_for_no_other(harness: Harness) -> None:
    created = await partner(harness)
    async with harness.work() as tx:
        await tx.partners.lock_by_id(find_id("partner", created.partner.id) or new_uuid())
        async with asyncio.timeout(60):
            await client_claims(harness, created.partner.client_id, created.client_secret)


async def test_a_service_calls_for_itself_or_for_a_user(harness: Harness) -> None:
    token_claims = await client_claims(harness, "service:support", "the secret of support")
    assert (token_claims.sub, token_claims.kind, token_claims.client_id, token_claims.act) == (
        "service:support",
        "SERVICE",
        "service:support",
        {},
    )
    user = write_id("user", new_uuid())
    token_claims = await client_claims(harness, "service:support", "the secret of support", subject=user)
    assert (token_claims.sub, token_claims.kind, token_claims.act) == (user, "SERVICE", {"sub": "service:support"})


async def test_a_service_with_a_wrong_secret_or_with_scopes_gets_nothing(harness: Harness) -> None:
    for client_id, secret in (
        ("service:support", "wrong"),
        ("service:support", ""),
        ("service:unknown", ""),
        ("support", "the secret of support"),
    ):
        assert codes(await token_for(harness, client_id, secret)) == [("INVALID_CLIENT", "")]
    token = await token_for(harness, "service:support", "the secret of support", "orders:read")
    assert codes(token) == [("INVALID_SCOPE", "scope")]


async def test_partners_are_listed_by_name_for_staff_alone(harness: Harness) -> None:
    api = harness.api(await staff(harness))
    for number, name in enumerate(["Öljy Oy", "ajot Oy", "Zeta"]):
        await api.create_partner(partner_command(idempotency_key=f"{number}", name=name))
    by_name = ["ajot Oy", "Zeta", "Öljy Oy"]

    async def names(page: Page | None = None, **conditions: Any) -> list[str]:
        listed = await api.partners(page or Page(), PartnerFilter(**conditions))
        return [edge.node.name for edge in listed.edges]

    assert await names() == by_name
    first = await api.partners(Page(first=2))
    assert (first.total_count, first.page_info.has_next_page) == (3, True)
    assert await names(Page(after=first.page_info.end_cursor)) == by_name[2:]
    assert await names(Page(last=2)) == by_name[1:]
    descending = PartnerOrder(field=PartnerOrderField.NAME, direction=SortDirection.DESC)
    backwards = await api.partners(Page(), None, descending)
    assert [edge.node.name for edge in backwards.edges] == by_name[::-1]
    assert await names(search="OLJY oy") == ["Öljy Oy"]
    assert await names(search="oy") == ["ajot Oy", "Öljy Oy"]
    zeta = (await api.partners(Page(), PartnerFilter(search="zeta"))).edges[0].node
    await api.revoke_partner(zeta.id, zeta.version)
    assert await names(active=True) == ["ajot Oy", "Öljy Oy"]
    assert await names(active=False) == ["Zeta"]
    callers = [await harness.caller(), await harness.caller(kind=SubjectKind.PARTNER), service()]
    for caller in callers:
        barred = harness.api(caller)
        for call in (
            barred.partners(Page()),
            barred.create_partner(partner_command()),
            barred.revoke_partner("partner_x", 1),
        ):
            with pytest.raises(Forbidden):
                await call


async def test_a_users_token_is_no_partners(harness: Harness) -> None:
    await customers(harness)
    await registered(harness)
    token_claims = await claims(harness, (await signed_in(harness)).access_token)
    assert codes(await token_for(harness, token_claims.sub, "anything")) == [("INVALID_CLIENT", "")]
