"""Partners that were added or changed, or left a filter, since an earlier look at the list."""

import random
import uuid
from typing import Any

import pytest

from services.chassis.ids import read_id
from services.chassis.problems import MalformedInput, ReadAnew
from services.contracts.identity.operations import Identity
from services.contracts.identity.organisations import (
    Organisation,
    OrganisationFilter,
    OrganisationKind,
    OrganisationOrder,
    OrganisationOrderField,
)
from services.contracts.identity.partners import (
    Partner,
    PartnerFilter,
    PartnerOrder,
    PartnerOrderField,
    PartnerRevoked,
)
from services.contracts.permission import SubjectKind
from services.contracts.values import Connection, Page, SortDirection
from tests.component.identity.actions import CUSTOMERS, KELTA, MIRJA, Harness, customers, expect, partner, staff
from tests.support.list_follower import Follower, Write, follow, next_changes
from tests.support.polling import until

NAMES = ["Älylä", "Reitit Oy", "Kuljetus", "kuljetus"]


def follower(api: Identity, conditions: PartnerFilter | None, order: PartnerOrder | None = None) -> Follower:
    async def read(page: Page) -> Connection[Partner]:
        return await api.partners(page, conditions, order)

    return Follower(read, lambda one: (one.id, (one.name, one.active)), backward=order is not None)


def writes(rng: random.Random) -> list[Write]:
    """Return the writes of partners."""
    ids: list[uuid.UUID] = []

    async def insert(connection: Any, one: uuid.UUID) -> None:
        name = rng.choice(NAMES)
        await connection.execute(
            "INSERT INTO partners VALUES ($1, $2, '{}', '{}', false, $3, 1, lower($2))", one, name, rng.random() < 0.5
        )

    async def rename(connection: Any, one: uuid.UUID) -> None:
        statement = "UPDATE partners SET name = $2, sort_name = lower($2) WHERE id = $1"
        await connection.execute(statement, one, rng.choice(NAMES))

    async def revoke(connection: Any, one: uuid.UUID) -> None:
        await connection.execute("UPDATE partners SET active = NOT active WHERE id = $1", one)

    async def delete(connection: Any, one: uuid.UUID) -> None:
        await connection.execute("DELETE FROM partners WHERE id = $1", one)

    return [
        Write(ids, insert, inserts=True),
        Write(ids, insert, inserts=True),
        *(Write(ids, write) for write in (rename, revoke, delete)),
    ]


def follower_of_organisations(
    api: Identity, partner_id: str, conditions: OrganisationFilter | None, order: OrganisationOrder | None = None
) -> Follower:
    async def read(page: Page) -> Connection[Organisation]:
        (listed,) = await api.organisations_of_partners([partner_id], page, conditions, order)
        return listed

    return Follower(read, lambda one: (one.id, (one.name, one.kind)), backward=order is not None)


def writes_of_organisations(rng: random.Random, partner_id: uuid.UUID) -> list[Write]:
    """Return the writes of organisations, and of the partner that may serve each of them."""
    ids: list[uuid.UUID] = []

    async def insert(connection: Any, one: uuid.UUID) -> None:
        name = rng.choice(NAMES)
        await connection.execute(
            """
            INSERT INTO organisations (id, customer_number, name, kind, version, sort_name)
            VALUES ($1, $2, $3, 'BUSINESS', 1, lower($3))
            """,
            one,
            str(rng.random()),
            name,
        )

    async def change(connection: Any, one: uuid.UUID) -> None:
        kind = rng.choice(list(OrganisationKind))
        await connection.execute("UPDATE organisations SET kind = $2 WHERE id = $1", one, kind.value)

    async def delete(connection: Any, one: uuid.UUID) -> None:
        await connection.execute("DELETE FROM organisations WHERE id = $1", one)

    async def serve(connection: Any, one: uuid.UUID) -> None:
        statement = "UPDATE partners SET organisation_ids = $2, version = version + 1 WHERE id = $1"
        await connection.execute(statement, one, rng.sample(ids, min(len(ids), rng.randrange(8))))

    return [
        *(Write(ids, insert, inserts=True) for _ in range(2)),
        *(Write(ids, write) for write in (change, change, change, delete)),
        Write([partner_id], serve),
    ]


@pytest.mark.parametrize("seed", range(4))
async def test_a_reader_that_follows_the_tokens_has_the_organisations_of_a_partner(harness: Harness, seed: int) -> None:
    rng, api = random.Random(seed), harness.api(await staff(harness))
    created = (await partner(harness)).partner.id
    descending = OrganisationOrder(field=OrganisationOrderField.NAME, direction=SortDirection.DESC)
    followers = [
        follower_of_organisations(api, created, None),
        follower_of_organisations(api, created, OrganisationFilter(kinds=[OrganisationKind.BUSINESS]), descending),
    ]
    await follow(harness.pool, rng, followers, writes_of_organisations(rng, read_id("partner", created)), steps=120)


async def test_the_organisations_of_a_partner_are_read_anew_once_it_has_changed(harness: Harness) -> None:
    organisations = await customers(harness)
    ids = [organisations[MIRJA], organisations[KELTA]]
    created, other = await partner(harness, organisation_ids=ids), await partner(harness, idempotency_key="two")
    api, partner_ids = harness.api(await staff(harness)), [created.partner.id]
    housing = OrganisationFilter(kinds=[OrganisationKind.HOUSING_COMPANY])
    tokens: dict[str, str | None] = {}

    async def changes(conditions: OrganisationFilter | None) -> tuple[list[str], list[str]]:
        async def look() -> tuple[list[str], list[str]]:
            page = Page(updated_after=tokens.get(repr(conditions)))
            (listed,) = await api.organisations_of_partners(partner_ids, page, conditions)
            tokens[repr(conditions)] = listed.page_info.updated_until
            assert listed.total_count == len(listed.edges)
            return [edge.node.customer_number for edge in listed.edges], listed.removed

        return await next_changes(look, ([], []))

    assert (await changes(None), await changes(housing)) == (([MIRJA, KELTA], []), ([MIRJA], []))
    await harness.import_file("organisations", CUSTOMERS.replace("HOUSING_COMPANY", "BUSINESS"))
    assert (await changes(None), await changes(housing)) == (([MIRJA], []), ([], [organisations[MIRJA]]))
    with pytest.raises(MalformedInput, match="OTHER_LIST"):
        await api.organisations_of_partners([other.partner.id], Page(updated_after=tokens["None"]))
    expect(PartnerRevoked, await api.revoke_partner(created.partner.id, created.partner.version))
    with pytest.raises(ReadAnew):
        await changes(None)


@pytest.mark.parametrize("seed", range(4))
async def test_a_reader_that_follows_the_tokens_has_the_partners(harness: Harness, seed: int) -> None:
    rng, api = random.Random(seed), harness.api(await staff(harness))
    descending = PartnerOrder(field=PartnerOrderField.NAME, direction=SortDirection.DESC)
    followers = [
        follower(api, None),
        follower(api, PartnerFilter(active=True), descending),
        follower(api, PartnerFilter(search="kul")),
    ]
    await follow(harness.pool, rng, followers, writes(rng), steps=120)
    assert {one.read_anew for one in followers} == {0}


async def test_a_revoked_partner_leaves_the_active_ones_for_any_employee(harness: Harness) -> None:
    one, other = await partner(harness), await partner(harness, idempotency_key="two", name="Other")
    api, colleague = [harness.api(await harness.caller(kind=SubjectKind.STAFF)) for _ in range(2)]
    active, token = PartnerFilter(active=True), None
    nothing: tuple[set[str], list[str]] = set(), []

    async def look() -> tuple[set[str], list[str]]:
        nonlocal token
        listed = await colleague.partners(Page(updated_after=token), active)
        token = listed.page_info.updated_until
        assert listed.total_count == len(listed.edges)
        return {edge.node.id for edge in listed.edges}, listed.removed

    token = (await api.partners(Page(first=1), active)).page_info.updated_until
    await until(look, lambda found: found == nothing)
    expect(PartnerRevoked, await api.revoke_partner(one.partner.id, one.partner.version))
    assert await next_changes(look, nothing) == (set(), [one.partner.id])
    token = None
    assert await next_changes(look, nothing) == ({other.partner.id}, [])
