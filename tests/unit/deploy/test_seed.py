"""Tests of the seeded population: its proportions, its determinism, and the fixed share of the small customer."""

import datetime as dt
import itertools
import uuid
import zoneinfo
from collections import Counter

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from deploy.seed import FEWEST_SITES, accounts
from deploy.seed.history import HISTORY_LENGTH, ORDERS_A_SITE, PICKUPS_A_SITE, HistoryGenerator, SiteHistory
from deploy.seed.ids import seeded_id
from deploy.seed.population import SMALL_SITES, Population, organisation_id
from deploy.seed.reference_data import ReferenceData
from services.contracts.orders.orders import OrderState

NOW = dt.datetime(2026, 3, 4, 8, 0, tzinfo=dt.UTC)
HELSINKI = zoneinfo.ZoneInfo("Europe/Helsinki")
SIZES = (FEWEST_SITES, 41, 1_000, 3_001)


@pytest.mark.parametrize("sites", SIZES)
def test_every_site_has_one_owner_and_one_place(sites: int) -> None:
    population = Population(sites)
    of_owner = Counter(population.owner(site) for site in range(sites))

    assert set(of_owner) == set(range(population.organisations))
    assert of_owner[0] == SMALL_SITES
    assert {of_owner[organisation] for organisation in population.managed_organisations} == {1}
    assert of_owner[population.chain] == population.chain_sites
    assert max(of_owner[number] for number in range(population.chain + 1, population.organisations)) <= SMALL_SITES
    assert sorted(map(population.place, range(sites))) == list(range(sites))
    assert all(population.site_at(population.place(site)) == site for site in range(sites))


def test_the_large_customers_have_their_stated_sizes() -> None:
    population = Population(100_000)

    assert (population.managed, population.chain_sites, population.limited_sites) == (300, 2_000, 200)
    assert population.organisations > 9_000


@pytest.mark.parametrize("sites", SIZES)
def test_users_have_the_memberships_of_their_kind(sites: int) -> None:
    population = Population(sites)
    users = {user.username: user for user in accounts.users(population, "hash")}

    (small,) = users[accounts.SMALL_CUSTOMER].memberships
    assert small.organisation_id == organisation_id(0)
    assert len(users[accounts.MANAGER].memberships) == population.managed
    (limited,) = users[accounts.LIMITED].memberships
    assert limited.site_ids is not None
    assert len(set(limited.site_ids)) == population.limited_sites
    assert users[accounts.STAFF].staff
    assert len(users) == population.organisations + 3


def test_the_small_customer_has_the_same_share_in_any_population() -> None:
    few, many = small_customer(100), small_customer(5_000)

    assert [summary(history) for history in few] == [summary(history) for history in many]
    placed = sorted(versions[-1].placed_at for history in many for versions in history.orders)
    assert placed[0] < NOW - HISTORY_LENGTH * 0.8
    assert placed[-1] > NOW - dt.timedelta(days=14)
    places = sorted(map(Population(5_000).place, range(SMALL_SITES)))
    assert max(after - before for before, after in itertools.pairwise(places)) < 5_000 / 4


def test_a_site_has_a_plausible_history_of_two_years() -> None:
    histories = [history_generator(400).at(place) for place in range(400)]
    orders = [versions for history in histories for versions in history.orders]
    pickups = [pickup for history in histories for pickup in history.pickups]

    assert {versions[-1].state for versions in orders} == set(OrderState) - {OrderState.IN_PROGRESS}
    assert len(orders) == ORDERS_A_SITE * 400
    assert PICKUPS_A_SITE * 0.8 < len(pickups) / 400 < PICKUPS_A_SITE * 1.2
    assert sum(len(history.tickets) for history in histories) == 200
    for versions in orders:
        steps = [step.at for step in versions[-1].timeline]
        assert steps == sorted(steps)
        assert steps[0] >= NOW - HISTORY_LENGTH
        assert steps[-1] < NOW
        assert len(steps) == versions[-1].version
    assert all(row.pickup.outcome.done_at and row.pickup.outcome.done_at < NOW for row in pickups)
    assert len({row.pickup.id for row in pickups}) == len(pickups)
    assert len({(row.pickup.agreement_id, row.pickup.date) for row in pickups}) == len(pickups)


def test_the_same_number_of_sites_has_the_same_history() -> None:
    assert history_generator(50).at(7) == history_generator(50).at(7)


def test_ids_are_distinct_uuids_of_their_time() -> None:
    first, repeated, second = (seeded_id("site", number, NOW) for number in (1, 1, 2))

    assert first == repeated != second
    assert (first.version, first.variant) == (7, uuid.RFC_4122)
    assert first.int >> 80 == int(NOW.timestamp() * 1000)
    assert seeded_id("order", 1, NOW) != first


def test_too_few_sites_are_refused() -> None:
    assert CliRunner().invoke(app, ["seed", "--sites", str(FEWEST_SITES - 1)]).exit_code == 2


def test_production_is_not_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    for service in ("IDENTITY", "SITES", "ORDERS", "STATS", "SUPPORT"):
        monkeypatch.setenv(f"KIERTO_{service}_DATABASE_URL", "postgresql://nowhere.invalid/nothing")
    settings = {
        "ENV": "production",
        "LISTEN": "127.0.0.1:1",
        "KAFKA": "nowhere.invalid:1",
        "IDENTITY_URL": "http://nowhere.invalid",
        "SITES_URL": "http://nowhere.invalid",
        "ORDERS_URL": "http://nowhere.invalid",
        "STATS_URL": "http://nowhere.invalid",
        "IDENTITY_SIGNING_KEY_FILE": "/nowhere",
        "IDENTITY_PEPPER": "salt and more salt",
        "IDENTITY_SERVICE_SECRETS": "{}",
    }
    for name, text in settings.items():
        monkeypatch.setenv(f"KIERTO_{name}", text)

    result = CliRunner().invoke(app, ["seed", "--sites", "100"])

    assert "production" in str(result.exception)


def small_customer(sites: int) -> list[SiteHistory]:
    population = Population(sites)
    generator = history_generator(sites)
    return [generator.at(population.place(site)) for site in range(SMALL_SITES)]


def history_generator(sites: int) -> HistoryGenerator:
    reference_data = ReferenceData()
    articles = {number: seeded_id("article", n, NOW) for n, number in enumerate(reference_data.article_by_number)}
    return HistoryGenerator(Population(sites), reference_data, articles, NOW, HELSINKI)


def summary(history: SiteHistory) -> object:
    """Return the rows of a site, without its identifying values."""
    return (
        history.site.facts.street,
        [agreement.facts.first_pickup for agreement in history.agreements],
        [[step.at for step in versions[-1].timeline] for versions in history.orders],
        [pickup.pickup.outcome for pickup in history.pickups],
        [ticket.opened_at for ticket in history.tickets],
    )
