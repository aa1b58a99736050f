"""Cost of reads beside few and beside very many other customers' data: two stacks, queried by turns.

``python -m tests.benchmarks.scale`` runs it alone; ``--large 20000`` makes the large stack smaller; ``--home FOLDER``
keeps both stacks' data there, for runs of other code on the same data.
"""

import argparse
import asyncio
import contextlib
import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from rich.console import Console
from rich.table import Table

from deploy.commands.progress import open_progress
from deploy.copies import ProgressReporter
from deploy.local.stack import environment_of_running
from deploy.seed import accounts
from deploy.seed.population import SMALL_SITES, Population, organisation_id, site_id
from services.chassis.ids import write_id
from tests.benchmarks.contest.pages import PORTAL
from tests.support import quotas
from tests.support.gateway_client import GatewayClient
from tests.support.servers import free_port_base
from tests.support.stack import RunningStack

SMALL, LARGE = 1_000, 100_000
"""Number of sites."""
PASSWORD = "mittaa kahdesti, leikkaa kerran"
ROUNDS, WARM_UP, MIN_ROUNDS = 60, 3, 5
MAX_SECONDS_A_READ = 6.0
"""Limit of one read on both stacks: rounds beyond it are left out, but for the fewest."""

Variables = Mapping[str, object]


class KnownIds(msgspec.Struct, frozen=True):
    """Ids that a caller may query, of ten sites with their orders and tickets; and today."""

    sites: list[str]
    orders: list[str]
    tickets: list[str]
    today: dt.date


class ReadOperation(msgspec.Struct, frozen=True):
    """One operation, and its variables for a caller with known ids."""

    name: str
    text: str
    variables: Callable[[KnownIds], Variables] = lambda _: {}


class BenchmarkCaller(msgspec.Struct, frozen=True):
    """A caller: a user, or a partner with its client id."""

    name: str
    username: str = ""
    client_id: str = ""
    reaches_all: bool = False

    async def sign_in(self, client: GatewayClient) -> None:
        if self.username:
            await client.sign_in(self.username, PASSWORD)
        else:
            await client.sign_in_as_partner(self.client_id, PASSWORD)


class ReadComparison(msgspec.Struct, frozen=True):
    """Seconds of a read on both stacks, round by round."""

    caller: BenchmarkCaller
    read: str
    small: list[float]
    large: list[float]
    refused: str = ""
    """Code of the refusal; empty if it was not refused."""

    @property
    def quarters(self) -> tuple[float, float, float]:
        """Return the lower quartile, median and upper quartile of the ratios of each round.

        A round queries both stacks within milliseconds, so that other work of the machine slows both.
        """
        ratios = [large / small for small, large in zip(self.small, self.large, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        return low, middle, high


_ORDER = "{ edges { node { id state date placedAt article { name } timeline { state at } } } pageInfo { endCursor } }"
_SITE = "{ edges { node { id siteNumber address { street postalCode city } } } pageInfo { endCursor } }"
_EVENTS = "{ __typename ... on EventPage { end cursor events { sequence type time subject data } } }"
_A_YEAR = dt.timedelta(days=365)


def _sorted_sites(order: str) -> ReadOperation:
    return ReadOperation(
        f"sites by {order.lower().replace('_', ' ')}", f"{{ sites(first: 50, order: {{field: {order}}}) {_SITE} }}"
    )


READS = (
    ReadOperation("portal page of 10 sites", PORTAL.text, lambda _: {"first": 10}),
    ReadOperation("orders", f"{{ orders(first: 50) {_ORDER} }}"),
    ReadOperation("orders, counted", "{ orders(first: 50) { totalCount edges { node { id } } } }"),
    ReadOperation("open orders", f"{{ orders(first: 50, filter: {{states: [RECEIVED, CONFIRMED]}}) {_ORDER} }}"),
    ReadOperation(
        "orders of a site",
        f"query ($site: ID!) {{ orders(first: 50, filter: {{siteIds: [$site]}}) {_ORDER} }}",
        lambda known: {"site": known.sites[0]},
    ),
    *map(_sorted_sites, ("ADDRESS", "CITY", "SITE_NUMBER")),
    ReadOperation("search that finds many", f'{{ sites(first: 50, filter: {{search: "koivukatu"}}) {_SITE} }}'),
    # It finds eleven sites on the small stack: a page has as many on both.
    ReadOperation("search that finds few", f'{{ sites(first: 10, filter: {{search: "koivukatu 2"}}) {_SITE} }}'),
    ReadOperation("search that finds nothing", f'{{ sites(first: 50, filter: {{search: "koivukuja"}}) {_SITE} }}'),
    ReadOperation(
        "calendar of a site, a year",
        """query ($site: ID!, $since: Date!, $until: Date!) { node(id: $site) { ... on Site {
            calendar(since: $since, until: $until) { ... on Calendar { pickups { date state article { name } } } }
        } } }""",
        lambda known: {"site": known.sites[0], "since": str(known.today - _A_YEAR), "until": str(known.today)},
    ),
    ReadOperation(
        "agreements of a site",
        """query ($site: ID!) { node(id: $site) { ... on Site {
            agreements { edges { node { agreementNumber nextPickup article { name price { minor } } } } }
        } } }""",
        lambda known: {"site": known.sites[0]},
    ),
    ReadOperation("tickets", "{ tickets(first: 50) { edges { node { id number topic state openedAt } } } }"),
    ReadOperation(
        "tickets of a site",
        "query ($site: ID!) { tickets(first: 50, filter: {siteIds: [$site]}) { edges { node { id number } } } }",
        lambda known: {"site": known.sites[0]},
    ),
    ReadOperation(
        "volumes of a year",
        """query ($since: Date!, $until: Date!) { volumes(since: $since, until: $until) {
            ... on Volumes { grams previousGrams steps { start rows { fraction grams } } }
        } }""",
        lambda known: {"since": str(known.today - _A_YEAR), "until": str(known.today)},
    ),
    ReadOperation(
        "25 things by id",
        "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        lambda known: {"ids": [*known.sites, *known.orders, *known.tickets]},
    ),
)
_UNBOUNDED_READS = {"orders, counted", "volumes of a year"}
"""Reads whose work grows with the data, for callers that reach all of it: they have no target."""
EVENTS = (
    ReadOperation("events from the start", f'{{ events(after: "START", first: 100) {_EVENTS} }}'),
    ReadOperation(
        "events of the small customer",
        "query ($organisation: ID!) {"
        f' events(after: "START", first: 100, filter: {{organisationIds: [$organisation]}}) {_EVENTS} }}',
        lambda _: {"organisation": write_id("org", organisation_id(0))},
    ),
)
CALLERS = (
    BenchmarkCaller("customer of 10 sites", accounts.SMALL_CUSTOMER),
    BenchmarkCaller("manager of 300 organisations", accounts.MANAGER),
    BenchmarkCaller("limited to 200 sites of a chain", accounts.LIMITED),
    BenchmarkCaller("staff", accounts.STAFF, reaches_all=True),
    BenchmarkCaller(
        "partner of all organisations", client_id=write_id("partner", accounts.PARTNER_OF_ALL), reaches_all=True
    ),
    BenchmarkCaller("partner of the customer of 10 sites", client_id=write_id("partner", accounts.PARTNER_OF_ONE)),
)
_OF_PARTNERS = {"orders", "orders, counted", "open orders"}


def measure(large: int = LARGE, home: Path | None = None) -> list[ReadComparison]:
    """Start and seed both stacks, and query them by turns."""
    with contextlib.ExitStack() as contexts:
        folder = home or Path(contexts.enter_context(tempfile.TemporaryDirectory(prefix="kierto-scale-")))
        stacks = {
            contexts.enter_context(_seeded(folder / str(sites), sites, keep=home is not None)): sites
            for sites in (SMALL, large)
        }
        with open_progress() as progress:
            return asyncio.run(_compare(stacks, progress))


def table(compared: Sequence[ReadComparison], large: int = LARGE) -> Table:
    """Format the results, caller by caller."""
    result = Table(
        *("caller", "read", f"{SMALL:,} sites", f"{large:,} sites", "ratio", "quartiles", "wanted"),
        title=f"Reads beside {SMALL:,} and beside {large:,} sites, medians in ms through the gateway",
        title_justify="left",
    )
    for number, comparison in enumerate(compared):
        caller = "" if number and compared[number - 1].caller == comparison.caller else comparison.caller.name
        if number and caller:
            result.add_section()
        result.add_row(caller, comparison.read, *_summarise(comparison), _assess(comparison))
    return result


def _summarise(comparison: ReadComparison) -> tuple[str, str, str, str]:
    """Format the medians on both stacks, the median of their ratios, and its quartiles."""
    if comparison.refused:
        return "", comparison.refused, "", ""
    low, middle, high = comparison.quarters
    small, large = (f"{statistics.median(durations) * 1000:.1f}" for durations in (comparison.small, comparison.large))
    return small, large, f"{middle:.2f}", f"{low:.2f}-{high:.2f}"


def _assess(comparison: ReadComparison) -> str:
    """Format the target of a ratio, and whether it is met."""
    if comparison.caller.reaches_all and comparison.read in _UNBOUNDED_READS:
        return ""
    wanted = 2.0 if comparison.caller.reaches_all else 1.2
    return f"{wanted} {'ok' if not comparison.refused and comparison.quarters[1] <= wanted else 'MISSED'}"


@contextlib.contextmanager
def _seeded(home: Path, sites: int, *, keep: bool) -> Iterator[RunningStack]:
    """Run a stack with so many sites."""
    home.mkdir(parents=True, exist_ok=True)
    stack = RunningStack(home, free_port_base())
    stack.settings = quotas.UNLIMITED_QUOTAS
    try:
        stack.start()
        done = stack.kierto("seed", "--sites", str(sites), KIERTO_PASSWORD=PASSWORD)
        if done.returncode and "seeded before" not in done.stderr:
            raise RuntimeError(done.stderr)
        yield stack
    finally:
        stack.stop()
        if not keep:
            stack.delete()


async def _compare(stacks: Mapping[RunningStack, int], progress: ProgressReporter) -> list[ReadComparison]:
    few, many = stacks
    compared: list[ReadComparison] = []
    for caller in CALLERS:
        async with GatewayClient(few.gateway) as of_few, GatewayClient(many.gateway) as of_many:
            clients = (of_few, of_many)
            for client in clients:
                await caller.sign_in(client)
            known = [await _known(stack, sites, caller) for stack, sites in stacks.items()]
            reads = list(_reads_of(caller))
            for done, read in enumerate(reads, 1):
                compared.append(await _compare_read(caller, read, clients, known))
                progress.step(caller.name, done, len(reads))
    return compared


def _reads_of(caller: BenchmarkCaller) -> Iterator[ReadOperation]:
    partner = bool(caller.client_id)
    yield from (read for read in READS if not partner or read.name in _OF_PARTNERS)
    if partner or caller.username == accounts.STAFF:
        yield from EVENTS


async def _known(stack: RunningStack, number_of_sites: int, caller: BenchmarkCaller) -> KnownIds:
    """Return known ids, without the measured reads, which may time out."""
    population = Population(number_of_sites)
    numbers = {
        accounts.MANAGER: range(SMALL_SITES, SMALL_SITES + population.managed),
        accounts.LIMITED: population.chain_site_numbers[: population.limited_sites],
    }.get(caller.username, range(SMALL_SITES))[:10]
    ids = [site_id(population.place(number)) for number in numbers]
    ids_by_thing = dict[str, list[str]]()
    for service, thing in (("orders", "order"), ("support", "ticket")):
        connection = await asyncpg.connect(environment_of_running(stack.home).database_url(service))
        rows = await connection.fetch(f"SELECT id FROM {thing}s WHERE site_id = ANY ($1) ORDER BY id LIMIT 10", ids)
        ids_by_thing[thing] = [write_id(thing, row["id"]) for row in rows]
        await connection.close()
    sites = [write_id("site", site) for site in ids]
    return KnownIds(sites, ids_by_thing["order"], ids_by_thing["ticket"], dt.datetime.now(dt.UTC).date())


async def _compare_read(
    caller: BenchmarkCaller, read: ReadOperation, clients: Sequence[GatewayClient], known: Sequence[KnownIds]
) -> ReadComparison:
    """Query both stacks by turns, each first in every second round, until the time limit or a refusal."""
    calls = list(zip(clients, (read.variables(ids) for ids in known), strict=True))
    rounds: list[list[float]] = []
    while len(rounds) < WARM_UP + ROUNDS:
        if len(rounds) >= WARM_UP + MIN_ROUNDS and sum(map(sum, rounds)) > MAX_SECONDS_A_READ:
            break
        durations = []
        for client, variables in calls:
            began = time.perf_counter()
            response = await client.post(read.text, **variables)
            durations.append(time.perf_counter() - began)
            if refused := _refusal_of(response):
                return ReadComparison(caller, read.name, [], [], refused)
        rounds.append(durations if calls[0][0] is clients[0] else durations[::-1])
        calls.reverse()
    small, large = map(list, zip(*rounds[WARM_UP:], strict=True))
    return ReadComparison(caller, read.name, small, large)


def _refusal_of(response: Mapping[str, Any]) -> str:
    """Return the code of the first error; empty if there is none."""
    errors = response.get("errors")
    return str(errors[0].get("extensions", {}).get("code") or errors[0]["message"]) if errors else ""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale")
    parser.add_argument("--large", type=int, default=LARGE, help="sites of the large stack")
    parser.add_argument("--home", type=Path, help="a folder that keeps both stacks' data")
    arguments = parser.parse_args()
    compared = measure(arguments.large, arguments.home and arguments.home.resolve())
    Console(width=140).print(table(compared, arguments.large))


if __name__ == "__main__":
    main()
