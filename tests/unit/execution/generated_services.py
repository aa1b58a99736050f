"""Services that answer with whatever fits their contract, and now and then with what does not.

What is answered follows from a seed, the operation and what it is about: two executors are told the same, however they
put their calls together.
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
from services.contracts.identity import Identity, Language
from services.contracts.imports import Importing
from services.contracts.orders import Orders
from services.contracts.sites import Sites
from services.contracts.stats import Stats
from services.contracts.support import Support
from tests.unit.execution.field_selection_stub import SelectingCall
from tests.unit.execution.schemas.full_values import WRONG, Broken

_TEXTS = ["", "Mannerheimintie 1", "öljy & „paperi“", '"\\\n', "EUR"]
_PREFIXES = ["org", "site", "agreement", "order", "ticket"]


_WRONG_JSON = [None, "text", 3, -3, 1 << 40, 1 << 60, 1.5, True, [], [None], {"a": 1}]


class GeneratedService:
    """One service. Of a thousand values, ``wrong`` are not what the contract says.

    ``passes_on``: whether those who only pass answers on get them undecoded, ``picks``: and only what they selected;
    ``deep``: whether these are wrong inside, too. What nobody selected is not looked at when an answer is passed on, so
    it must be right or be selected.
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
            inventor = ValueGenerator(f"{self._seed}/{signature.name}", self._wrong, WRONG, deep=True)
            return self._answer(inventor, signature, signature.arguments(*positional, **named))

        return call

    @property
    def undecoded(self) -> "GeneratedJsonService":
        """The same service, as JSON."""
        how = {"passes_on": self._passes_on, "picks": self._picks, "deep": self._deep}
        return GeneratedJsonService(self, self._signatures, self._seed, self._wrong, **how)

    def _answer(self, inventor: "ValueGenerator", signature: Signature, arguments: Any) -> Any:
        asked = msgspec.structs.asdict(arguments)
        asked.pop("fields", None)  # it says what is wanted of the answer, and changes nothing in it
        if inventor.dice("fails", 1000) < self._wrong:
            raise Broken(f"{signature.name} failed")
        result = types.type_info(signature.result)
        keys = next((one for one in asked.values() if isinstance(one, list)), None)
        if isinstance(result, types.ListType) and keys is not None:
            rest = {name: one for name, one in asked.items() if one is not keys}
            return [inventor.value(result.item_type, f"{key}{rest}") for key in keys]
        return inventor.value(result, repr(asked))


class GeneratedJsonService:
    """One service whose answers are JSON, wrong in the ways in which JSON can be."""

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
            inventor = ValueGenerator(seed, self._wrong, [_always(one) for one in _WRONG_JSON], deep=self._deep)
            value = self._service._answer(inventor, signature, signature.arguments(*positional, **named))
            return value, msgspec.json.encode(value)

        async def call(*positional: Any, **named: Any) -> Any:
            answer = RawResult(found(*positional, **named)[1], signature.result)
            return answer if self._passes_on else answer.decoded()

        def read(*positional: Any, **named: Any) -> SelectingCall:
            return SelectingCall(lambda: found(*positional, **named), signature.result)

        return read if self._picks else call


def _always(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


class ValueGenerator:
    """Makes values of any type, always the same for the same place."""

    def __init__(self, seed: str, wrong: int, ways: Sequence[Callable[[Any], Any]], *, deep: bool) -> None:
        self._below = self.value if deep else self._right
        self._seed = seed
        self._wrong = wrong
        self._ways = ways

    def dice(self, place: str, sides: int) -> int:
        """A number below ``sides``."""
        digest = hashlib.blake2b(f"{self._seed}{place}".encode(), digest_size=6).digest()
        return int.from_bytes(digest, "big") % sides

    def value(self, kind: types.Type, place: str, name: str = "") -> Any:
        """A value of the type at a place, or what is wrong there."""
        value = self._right(kind, place, name)
        if name == "params":
            return value  # the graph shows none of it
        if self.dice(f"{place}?", 1000) < self._wrong:
            wrong = self._ways[self.dice(f"{place}!", len(self._ways))]
            # What raises when it is read has no place in a plain value.
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
    """What the gateway's resolvers are handed."""

    language = Language.FI

    def __init__(self, seed: str, wrong: int, *, passes_on: bool, picks: bool = False, deep: bool = False) -> None:
        how = {"passes_on": passes_on, "picks": picks, "deep": deep}
        self.loader = BatchLoader()
        self.identity = GeneratedService(Identity, seed, wrong, **how)
        self.sites = GeneratedService(Sites, seed, wrong, **how)
        self.orders = GeneratedService(Orders, seed, wrong, **how)
        self.stats = GeneratedService(Stats, seed, wrong, **how)
        self.support = GeneratedService(Support, seed, wrong, **how)
        self._importing = GeneratedService(Importing, seed, wrong, **how)

    def importing(self, _: str) -> GeneratedService:
        """The imports of any service."""
        return self._importing
