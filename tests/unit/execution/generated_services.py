"""Services with random results: most fit their contract, and some do not.

A result follows from a seed, the operation and its arguments: two executors get the same, however they batch calls.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import inspect as types

from gateway.execution.strawberry.batch_loader import BatchLoader
from services.chassis.rpc.raw_result import RawResult
from services.chassis.rpc.signature import Signature, signatures
from services.contracts.identity.operations import Identity
from services.contracts.identity.people import Language
from services.contracts.imports import Importing
from services.contracts.orders.operations import Orders
from services.contracts.sites import Sites
from services.contracts.stats import Stats
from services.contracts.support.operations import Support
from tests.unit.execution.field_selection_stub import SelectingCall
from tests.unit.execution.schemas.full_values import WRONG, Broken

_TEXTS = ["", "Mannerheimintie 1", "öljy & „paperi“", '"\\\n', "EUR"]
_PREFIXES = ["org", "site", "agreement", "order", "ticket"]


_WRONG_JSON = [None, "text", 3, -3, 1 << 40, 1 << 60, 1.5, True, [], [None], {"a": 1}]


class GeneratedService:
    """One service; ``wrong`` of a thousand values differ from the contract.

    ``passes_on``: raw clients get raw results, ``picks``: and restricted to the selection; ``deep``: raw results may be
    wrong inside, too. Projections do not check fields that are not selected, so a deep test selects all of them.
    """

    def __init__(self, protocol: type, seed: str, wrong: int, *, passes_on: bool, picks: bool, deep: bool) -> None:
        self._signatures = {one.python_name: one for one in signatures(protocol).values()}
        self._seed = seed
        self._wrong = wrong
        self._passes_on = passes_on
        self._picks = picks
        self._deep = deep

    def __getattr__(self, name: str) -> Callable[..., Any]:
        signature = self._signatures[name]

        async def call(*positional: Any, **named: Any) -> Any:
            generator = ValueGenerator(f"{self._seed}/{signature.name}", self._wrong, WRONG, deep=True)
            return self._answer(generator, signature, signature.arguments(*positional, **named))

        return call

    @property
    def raw_client(self) -> "GeneratedJsonService":
        """The raw client of the service."""
        options = {"passes_on": self._passes_on, "picks": self._picks, "deep": self._deep}
        return GeneratedJsonService(self, self._signatures, self._seed, self._wrong, **options)

    def _answer(self, generator: "ValueGenerator", signature: Signature, arguments: Any) -> Any:
        parameters = msgspec.structs.asdict(arguments)
        parameters.pop("fields", None)  # the result does not depend on it
        if generator.dice("fails", 1000) < self._wrong:
            raise Broken(f"{signature.name} failed")
        result = types.type_info(signature.result)
        keys = next((one for one in parameters.values() if isinstance(one, list)), None)
        if isinstance(result, types.ListType) and keys is not None:
            rest = {name: one for name, one in parameters.items() if one is not keys}
            return [generator.value(result.item_type, f"{key}{rest}") for key in keys]
        return generator.value(result, repr(parameters))


class GeneratedJsonService:
    """One service with results in JSON, which are wrong in ways that JSON can be."""

    def __init__(
        self,
        service: GeneratedService,
        known: dict[str, Signature],
        seed: str,
        wrong: int,
        *,
        passes_on: bool,
        picks: bool,
        deep: bool,
    ) -> None:
        self._service = service
        self._signatures = known
        self._seed = seed
        self._wrong = wrong
        self._passes_on = passes_on
        self._picks = picks
        self._deep = deep

    def __getattr__(self, name: str) -> Callable[..., Any]:
        signature = self._signatures[name]

        def found(*positional: Any, **named: Any) -> tuple[Any, bytes]:
            seed = f"{self._seed}/{signature.name}"
            generator = ValueGenerator(seed, self._wrong, [_always(one) for one in _WRONG_JSON], deep=self._deep)
            value = self._service._answer(generator, signature, signature.arguments(*positional, **named))
            return value, msgspec.json.encode(value)

        async def call(*positional: Any, **named: Any) -> Any:
            answer = RawResult(found(*positional, **named)[1], signature.result)
            return answer if self._passes_on else answer.decoded()

        def read(*positional: Any, **named: Any) -> SelectingCall:
            return SelectingCall(lambda: found(*positional, **named), signature.result)

        return read if self._picks else call


def _always(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


_UNCHECKED = {"by", "thing_id", "params"}
"""Fields that a projection does not check: the graph does not show the first two, the third may be any JSON."""


class ValueGenerator:
    """Makes values of any type, which depend on the seed and the path alone."""

    def __init__(self, seed: str, wrong: int, ways: Sequence[Callable[[Any], Any]], *, deep: bool) -> None:
        self._below = self.value if deep else self._right
        self._seed = seed
        self._wrong = wrong
        self._ways = ways

    def dice(self, place: str, sides: int) -> int:
        """Return a number below ``sides``."""
        digest = hashlib.blake2b(f"{self._seed}{place}".encode(), digest_size=6).digest()
        return int.from_bytes(digest, "big") % sides

    def value(self, kind: types.Type, place: str, name: str = "") -> Any:
        """Return a value of the type for a path, or a wrong one."""
        value = self._right(kind, place, name)
        if name in _UNCHECKED:
            return value
        if self.dice(f"{place}?", 1000) < self._wrong:
            wrong = self._ways[self.dice(f"{place}!", len(self._ways))]
            # A decoded value can't raise when it is read.
            return value if wrong.__name__ == "_raises" else wrong(value)
        return value

    def _right(self, kind: types.Type, place: str, name: str) -> Any:
        match kind:
            case types.UnionType(types=members):
                known = [one for one in members if not isinstance(one, types.NoneType)]
                nullable = len(known) < len(members)
                if nullable and not self.dice(f"{place}null", 4):
                    return None
                return self._right(known[self.dice(f"{place}member", len(known))], place, name)
            case types.ListType(item_type=item):
                many = self.dice(f"{place}#", 4)
                return [self._below(item, f"{place}.{index}", name) for index in range(many)]
            case types.StructType(cls=made, fields=fields):
                return made(**{one.name: self._below(one.type, f"{place}.{one.name}", one.name) for one in fields})
            case types.EnumType(cls=members):
                return list(members)[self.dice(f"{place}enum", len(members))]
            case types.StrType():
                if name == "id" or name.endswith("_id"):
                    return f"{_PREFIXES[self.dice(place, 5)]}_{self.dice(place, 1000)}"
                return _TEXTS[self.dice(place, len(_TEXTS))]
            case types.IntType():
                return self.dice(place, 1 << 33) if not self.dice(f"{place}large", 9) else self.dice(place, 100) - 9
            case types.FloatType():
                return self.dice(place, 1000) / 7
            case types.BoolType():
                return not self.dice(place, 2)
            case types.DateType():
                return dt.date(2026, 1, 1) + dt.timedelta(self.dice(place, 365))
            case types.DateTimeType():
                return dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=self.dice(place, 10**7))
            case types.DictType():
                return {"limit": "7"}
            case types.NoneType():
                return None
        raise TypeError(f"nothing is invented for {kind}")


class GeneratedContext:
    """The context of the gateway's resolvers."""

    language = Language.FI

    def __init__(self, seed: str, wrong: int, *, passes_on: bool, picks: bool = False, deep: bool = False) -> None:
        options = {"passes_on": passes_on, "picks": picks, "deep": deep}
        self.loader = BatchLoader()
        self.clients = self
        self.identity = GeneratedService(Identity, seed, wrong, **options)
        self.sites = GeneratedService(Sites, seed, wrong, **options)
        self.orders = GeneratedService(Orders, seed, wrong, **options)
        self.stats = GeneratedService(Stats, seed, wrong, **options)
        self.support = GeneratedService(Support, seed, wrong, **options)
        self._importing = GeneratedService(Importing, seed, wrong, **options)

    def importing(self, _: str) -> GeneratedService:
        """Return the imports of any service."""
        return self._importing
