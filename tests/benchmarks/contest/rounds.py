"""Rounds of the contest: all servers are started, checked and warmed, then loaded in turns, round by round."""

import contextlib
import datetime as dt
import itertools
import os
import socket
import tempfile
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from services.chassis.ids import write_id
from services.chassis.rpc import batch_protocol
from services.contracts.permission import SubjectKind
from tests.benchmarks.contest import answers, load, subgraphs
from tests.benchmarks.contest.canned_services import CannedServices, run_canned_services
from tests.benchmarks.contest.contestants import OURS, Contestant
from tests.benchmarks.contest.native_programs import MissingTool
from tests.benchmarks.contest.pages import CURSOR_DIGITS, OTHERS, PAGES, PORTAL, Page
from tests.benchmarks.contest.server_process import ServerProcess, start_server, wait_until_ready
from tests.benchmarks.contest.standings import Measured, standing
from tests.gateway.stubs.identity import IdentityStub
from tests.support import quotas

SECONDS, WARM_UP_S, STEADY_S = 0.6, 1.5, 1.0
CALLERS = 1000

Say = Callable[[str], None]


class Results(msgspec.Struct, frozen=True):
    """Results by contestant."""

    measured: dict[str, dict[str, list[Measured]]]
    """Of each page, round by round."""
    steady: dict[str, list[Measured]]
    """Of the portal page at half load, round by round."""
    calls: dict[str, dict[str, int]]
    """Number of calls to services for one response of each page."""
    failures: list[str]
    """Violations of the rules of the contest."""


class Cores(msgspec.Struct, frozen=True):
    """The core of the contestants, and that of all else."""

    servers: int
    load: int


def two_cores() -> Cores:
    """Return the two cores to use; raise MissingTool on a machine with one."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise MissingTool("a second core")
    return Cores(allowed[0], allowed[1])


def compete(
    commands: Mapping[Contestant, Sequence[str]],
    kafka: str,
    cores: Cores,
    rounds: int,
    say: Say,
) -> Results:
    """Run the contest; the responses of all are compared with those of the first."""
    identity = IdentityStub()
    tokens = [_token(identity, number) for number in range(1, CALLERS + 1)]
    results = Results(defaultdict(lambda: defaultdict(list)), defaultdict(list), defaultdict(dict), [])
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kierto-contest-")))
        for page in PAGES:
            answers.write(folder / "answers" / _file(page), page, identity.signer.public_keys())
            subgraphs.write(folder / "answers" / _file(page), page)
        services = stack.enter_context(run_canned_services(folder / "answers"))
        settings = _settings(services, kafka)
        servers = [
            stack.enter_context(start_server(contestant, command, cores.servers, _free_port(), settings))
            for contestant, command in commands.items()
        ]
        services.use(_file(PORTAL))
        for server in servers:
            wait_until_ready(server, PORTAL, tokens[0])
        setup = _Setup(folder, services, tokens, cores)
        for page in (*PAGES, *OTHERS):
            setup.check(servers, page, results)
        for page in PAGES:
            for server in servers:
                setup.load(server, page, WARM_UP_S)
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            first = number % len(servers)
            in_turn = (*servers[first:], *servers[:first])
            # Page by page: the speed of a machine changes within seconds, and a ratio is taken within a round.
            for page in PAGES:
                for server in in_turn:
                    results.measured[server.contestant.name][page.name].append(setup.measure(server, page, SECONDS))
            for server in in_turn:
                half = results.measured[server.contestant.name][PORTAL.name][-1].rate / 2
                results.steady[server.contestant.name].append(setup.measure(server, PORTAL, STEADY_S, half))
    results.failures.extend(_slow_at_half_load(results.steady))
    return results


def _slow_at_half_load(steady: Mapping[str, Sequence[Measured]]) -> Iterator[str]:
    """Yield a failure for each contestant whose p99 at half load is no higher than ours."""
    for name, measured in steady.items():
        better = standing(steady[OURS.name], measured).by_p99
        if name != OURS.name and better is not None and better <= 1:
            yield f"at half load the p99 of the {PORTAL.name} is no better than {name}'s ({better:.2f})"


class _Setup:
    """Canned services, callers and cores of the contest."""

    def __init__(self, folder: Path, services: CannedServices, tokens: Sequence[str], cores: Cores) -> None:
        self._folder = folder
        self._services = services
        self._tokens = tokens
        self._token_file = folder / "tokens"
        self._token_file.write_text("".join(f"{token}\n" for token in tokens))
        self._cores = cores
        self._numbers = itertools.count(1)
        self._loads: Counter[str] = Counter()

    def check(self, servers: Sequence[ServerProcess], page: Page, results: Results) -> None:
        """Check that all respond equally, with no more calls to services than the page needs.

        Each has to pass on the caller's token and cursor.
        """
        if page in PAGES:  # the others have responses in the files of every page
            self._services.use(_file(page))
        expected: object = None
        for server in servers:
            before = self._services.call_count()
            number = next(self._numbers)
            token, after = self._tokens[number % CALLERS], f"{number:0{CURSOR_DIGITS}x}"
            response = msgspec.json.decode(server.request(page, token, after))
            service_request = self._services.last_request("sites")
            calls = self._services.call_count() - before
            name = server.contestant.name
            results.calls[name][page.name] = calls
            if calls != page.calls:
                results.failures.append(f"{name} makes {calls} calls to services for {page.name}, not {page.calls}")
            expected = expected or response
            if unknown := list(self._unknown_selections(page)):
                results.failures.append(f"{name} selects of {', '.join(unknown)} other fields than {page.name}")
            if f'"{after}"' not in service_request or token not in service_request:
                raise RuntimeError(f"{name} does not pass on the cursor or the token for {page.name}")
            if response != expected or "errors" in response or _sites_in(response) != page.sites:
                raise RuntimeError(f"{name} answers {page.name} otherwise: {str(response)[:500]}")

    def _unknown_selections(self, page: Page) -> Iterator[str]:
        """Yield the operations whose last request had another selection than the page."""
        for operation, selection in page.selected.items():
            service_request = self._services.last_request("sites" if operation == "sites" else "orders")
            if (
                batch_protocol.SELECTION_HEADER in service_request
                and msgspec.json.encode(selection).decode() not in service_request
            ):
                yield operation

    def load(self, server: ServerProcess, page: Page, seconds: float, rate: float = 0) -> load.Load:
        """Load a contestant; raise RuntimeError if a response differs from the first to the same operation.

        The n-th load of each contestant is drawn from the same seed.
        """
        self._services.use(_file(page))
        name = server.contestant.name
        self._loads[name] += 1
        requests = self._folder / f"{name}-{_file(page)}.http"
        length = len(self._tokens[0])
        requests.write_bytes(b"".join(each.template(server.contestant.path(each), length) for each in (page, *OTHERS)))
        done = load.run(
            server.port,
            requests,
            self._token_file,
            connections=page.connections,
            seconds=seconds,
            rate=rate,
            seed=self._loads[name],
        )
        if done.errors:
            raise RuntimeError(f"{name}: {done.errors} wrong answers to {page.name}")
        return done

    def measure(self, server: ServerProcess, page: Page, seconds: float, rate: float = 0) -> Measured:
        """Measure a contestant at full load, or at a rate."""
        before, own_core, load_core = server.cpu_seconds(), _Core(self._cores.servers), _Core(self._cores.load)
        done = self.load(server, page, seconds, rate)
        cpu = server.cpu_seconds() - before
        return Measured(
            cpu=cpu / done.all * 1e6,
            rate=done.rate,
            load_core=load_core.share(),
            others=own_core.share(without=cpu),
            p99=done.p99 / 1000,
        )


class _Core:
    """Meter of the load of a core from now on."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._idle, self._all = self._ticks()

    def share(self, without: float = 0) -> float:
        """Return the busy share of the time since then, without so many seconds of it."""
        idle, total = self._ticks()
        passed = max(1, total - self._all)
        return max(0.0, 1 - (idle - self._idle + without * os.sysconf("SC_CLK_TCK")) / passed)

    def _ticks(self) -> tuple[int, int]:
        """Return the idle and all ticks of the core so far (proc_stat(5))."""
        for line in Path("/proc/stat").read_text().splitlines():
            name, *ticks = line.split()
            if name == f"cpu{self._number}":
                spent = [int(count) for count in ticks[:8]]
                return spent[3] + spent[4], sum(spent)
        raise RuntimeError(f"there is no core {self._number}")


def _token(identity: IdentityStub, number: int) -> str:
    """Return the token of a caller: all are users, and their tokens are equally long."""
    subject = write_id("user", uuid.UUID(int=number))
    return identity.token(subject, SubjectKind.USER, valid_for=dt.timedelta(hours=2))


def _file(page: Page) -> str:
    return page.name.replace(" ", "-")


def _sites_in(response: dict[str, dict[str, dict[str, list[object]]]]) -> int:
    return len(response["data"]["sites"]["edges"])


def _settings(services: CannedServices, kafka: str) -> dict[str, str]:
    """Return the gateway's settings, which every contestant reads as far as it needs."""
    urls = {f"KIERTO_{name.upper()}_URL": url for name, url in services.urls.items()}
    unused = {f"KIERTO_{name}_URL": services.urls["identity"] for name in ("STATS", "SUPPORT")}
    return (
        urls
        | unused
        | quotas.UNLIMITED_QUOTAS
        | {
            "KIERTO_ENV": "production",
            "KIERTO_GATEWAY_HOSTS": '["127.0.0.1"]',
            "KIERTO_KAFKA": kafka,
            "KIERTO_REDIS_URL": "redis://127.0.0.1:1/0",  # no request waits for it
            "KIERTO_SERVICE_SECRET": "contest",
            "NODE_ENV": "production",
            "CONTEST_SCHEMA": str(Path(__file__).parents[3] / "gateway" / "schema.graphql"),
        }
    )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
