"""Agreements of a site that were added or changed, or left its list, since an earlier look."""

import random
import uuid
from typing import Any

import pytest

from services.access.caller import Caller
from services.chassis.ids import read_id
from services.chassis.problems import MalformedInput, ReadAnew
from services.contracts.orders.agreements import Agreement, AgreementFilter, AgreementOrder, AgreementOrderField
from services.contracts.sites import Fraction
from services.contracts.values import Connection, Page, SortDirection
from tests.component.orders.scenario import OrdersScenario, site_stated
from tests.support.list_follower import Follower, Write, follow, next_changes

COLUMNS = """
    container_id, article_id, route_number, fraction, litres, count, interval_weeks, ordered_on, first_pickup, ended_on,
    version
"""
DESCENDING = AgreementOrder(field=AgreementOrderField.AGREEMENT_NUMBER, direction=SortDirection.DESC)


def follower(
    scenario: OrdersScenario, caller: Caller, site: str, conditions: AgreementFilter | None = None
) -> Follower:
    api, order = scenario.harness.api(caller), DESCENDING if conditions else None

    async def read(page: Page) -> Connection[Agreement]:
        (listed,) = await api.agreements_of_sites([scenario.sites[site]], page, conditions, order)
        return listed

    return Follower(
        read,
        lambda one: (one.id, (one.agreement_number, one.organisation_id, one.site_id, one.fraction, one.ended_on)),
        backward=order is not None,
    )


def writes(scenario: OrdersScenario, rng: random.Random) -> list[Write]:
    """Return the writes of agreements, which move between two sites, and of the sites, which change their customer."""
    ids: list[uuid.UUID] = []
    sites = [read_id("site", scenario.sites[number]) for number in ("50", "51")]
    organisations = [read_id("org", one) for one in (scenario.organisation_id, scenario.other_organisation_id)]

    async def insert(connection: Any, one: uuid.UUID) -> None:
        await connection.execute(
            f"""
            INSERT INTO agreements (id, agreement_number, site_id, {COLUMNS})
            SELECT $1, $2, $3, {COLUMNS} FROM agreements WHERE agreement_number = 'A1'
            """,
            one,
            str(rng.random()),
            rng.choice(sites),
        )

    async def change(connection: Any, one: uuid.UUID) -> None:
        fraction = rng.choice([Fraction.RESIDUAL, Fraction.GLASS])
        await connection.execute("UPDATE agreements SET fraction = $2 WHERE id = $1", one, fraction.value)

    async def end(connection: Any, one: uuid.UUID) -> None:
        statement = (
            "UPDATE agreements SET ended_on = CASE WHEN ended_on IS NULL THEN DATE '2026-01-01' END WHERE id = $1"
        )
        await connection.execute(statement, one)

    async def move(connection: Any, one: uuid.UUID) -> None:
        await connection.execute("UPDATE agreements SET site_id = $2 WHERE id = $1", one, rng.choice(sites))

    async def delete(connection: Any, one: uuid.UUID) -> None:
        await connection.execute("DELETE FROM agreements WHERE id = $1", one)

    async def give_away(connection: Any, site: uuid.UUID) -> None:
        statement = "UPDATE sites SET organisation_id = $2 WHERE id = $1"
        await connection.execute(statement, site, rng.choice(organisations))

    return [
        *(Write(ids, insert, inserts=True) for _ in range(3)),
        *(Write(ids, write) for write in (change, end, move, move, delete)),
        Write(sites, give_away),
    ]


@pytest.mark.parametrize("seed", range(6))
async def test_a_reader_that_follows_the_tokens_has_the_agreements_of_a_site(
    scenario: OrdersScenario, seed: int
) -> None:
    rng = random.Random(seed)
    staff, member = await scenario.staff(), await scenario.member()
    by_staff = [
        follower(scenario, staff, "50"),
        follower(scenario, staff, "51", AgreementFilter(ended=False)),
        follower(scenario, staff, "50", AgreementFilter(fractions=[Fraction.RESIDUAL])),
    ]
    by_member = [follower(scenario, member, "50"), follower(scenario, member, "51", AgreementFilter(ended=True))]
    await follow(scenario.harness.pool, rng, [*by_staff, *by_member], writes(scenario, rng), steps=200)
    assert {one.read_anew for one in by_staff} == {0}, "they reach the sites of every customer"


class Look:
    """The agreements that a reader finds from one look at a site to the next."""

    def __init__(
        self, scenario: OrdersScenario, caller: Caller, site: str, conditions: AgreementFilter | None = None
    ) -> None:
        self._api = scenario.harness.api(caller)
        self._site = scenario.sites[site]
        self._conditions = conditions
        self._numbers = {agreement.id: number for number, agreement in scenario.agreements.items()}
        self.token: str | None = None

    async def again(self) -> tuple[list[str], list[str]]:
        """Return the numbers of the agreements that are new or changed, and of those that left."""
        return await next_changes(self._once, ([], []))

    async def _once(self) -> tuple[list[str], list[str]]:
        (page,) = await self._api.agreements_of_sites([self._site], Page(updated_after=self.token), self._conditions)
        self.token = page.page_info.updated_until
        found = [edge.node.agreement_number for edge in page.edges]
        assert page.total_count == len(found)
        return found, sorted(self._numbers[one] for one in page.removed)


async def test_an_agreement_that_moves_leaves_one_site_for_another(scenario: OrdersScenario) -> None:
    member = await scenario.member()
    before, after = Look(scenario, member, "50"), Look(scenario, member, "51")
    glass = Look(scenario, member, "50", AgreementFilter(fractions=[Fraction.BIOWASTE]))
    assert (await before.again(), await after.again(), await glass.again()) == (
        (["A1", "A2"], []),
        (["A3"], []),
        (["A2"], []),
    )
    site_id = read_id("site", scenario.sites["51"])
    await scenario.harness.pool.execute("UPDATE agreements SET site_id = $1 WHERE agreement_number = 'A2'", site_id)
    assert (await before.again(), await after.again(), await glass.again()) == (
        ([], ["A2"]),
        (["A2"], []),
        ([], ["A2"]),
    )


async def test_a_site_takes_its_agreements_to_another_customer(scenario: OrdersScenario) -> None:
    staff, member, other = await scenario.staff(), await scenario.member(), await scenario.other_member()
    looks = [Look(scenario, caller, "50") for caller in (staff, member, other)]
    assert [await look.again() for look in looks] == [(["A1", "A2"], []), (["A1", "A2"], []), ([], [])]
    stated = site_stated(scenario.sites["50"], scenario.organisation_id, "50", version=2)
    await scenario.harness.receive(stated)
    assert [await look.again() for look in looks] == [([], [])] * 3, "the site was stated again, of the same customer"
    await scenario.harness.receive(site_stated(scenario.sites["50"], scenario.other_organisation_id, "50", version=3))
    assert await looks[0].again() == (["A1", "A2"], [])
    for look, present in zip(looks[1:], ([], ["A1", "A2"]), strict=True):
        with pytest.raises(ReadAnew):
            await look.again()
        look.token = None
        assert await look.again() == (present, [])


async def test_a_list_by_the_end_of_agreements_is_read_anew_on_another_day(scenario: OrdersScenario) -> None:
    member = await scenario.member()
    everything, running = Look(scenario, member, "51"), Look(scenario, member, "51", AgreementFilter(ended=False))
    assert (await everything.again(), await running.again()) == ((["A3"], []), ([], []))
    scenario.harness.clock.move(days=1)
    assert await everything.again() == ([], [])
    with pytest.raises(ReadAnew):
        await running.again()


async def test_a_token_belongs_to_one_site(scenario: OrdersScenario) -> None:
    api = scenario.harness.api(await scenario.member())
    sites = [scenario.sites["50"], scenario.sites["51"], "nonsense"]
    pages = await api.agreements_of_sites(sites, Page())
    for number, page in enumerate(pages):
        token = page.page_info.updated_until
        await api.agreements_of_sites([sites[number]], Page(updated_after=token))
        with pytest.raises(MalformedInput, match="OTHER_LIST"):
            await api.agreements_of_sites(sites, Page(updated_after=token))
        with pytest.raises(MalformedInput, match="OTHER_LIST"):
            await api.agreements_of_sites([sites[number - 1]], Page(updated_after=token))
    (without,) = await api.agreements_of_sites(sites[:1], Page(updates=False))
    assert without.page_info.updated_until is None
