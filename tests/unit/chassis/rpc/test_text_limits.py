"""Text limits: callers' texts are validated unprocessed, first their length, then their characters."""

from typing import Annotated, Any, Protocol

import msgspec
import pytest

from services.chassis.rpc.signature import MAX_BODY_BYTES, signatures
from services.chassis.rpc.text_limits import MAX_PROBLEMS, problem_of, text_normaliser, text_validator
from services.contracts.declare import read, write
from services.contracts.permission import PEOPLE
from services.contracts.values import Batch, Problem, Refusal, SiteId, TextLimit, Value
from tests.snapshots import CONTRACTS, text_limit_errors

LINE, LINES = TextLimit(5), TextLimit(5, lines=True)
Short = Annotated[str, LINE]


class Row(Value, frozen=True, kw_only=True):
    text: Short


class Command(Value, frozen=True, kw_only=True):
    first_name: Short
    others: list[Short] = []
    maybe: Short | None = None
    inner: Row | None = None
    ids: list[SiteId] = []


class Limited(Protocol):
    @write(PEOPLE)
    async def keep(self, command: Command) -> str | Refusal: ...

    @read(PEOPLE)
    async def search(self, text: Short, also: Short = "") -> str: ...

    @write(PEOPLE)
    async def take(self, rows: Annotated[list[Row], Batch()]) -> str | Refusal: ...


class Unlimited(Protocol):
    @write(PEOPLE)
    async def keep(self, row: "Open", texts: list[str] | None = None) -> str: ...


class Open(Value, frozen=True, kw_only=True):
    some_text: str
    limited: Short
    by_key: dict[str, Short] = {}


def codes(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(".".join(one.path), one.params["reason"]) for one in problems]


@pytest.mark.parametrize(
    ("text", "limit", "reason"),
    [
        ("", LINE, None),
        ("äiti😀", LINE, None),
        ("👩‍🌾é", LINE, None),  # joined by U+200D, an accent apart
        ("abcdef", LINE, "TOO_LONG"),
        ("a" + "\u0301" * 5, LINE, "TOO_LONG"),
        ("a\x00", LINE, "CHARACTERS"),
        ("a\x7f", LINES, "CHARACTERS"),
        ("a\x85", LINES, "CHARACTERS"),
        ("a\ud800", LINES, "CHARACTERS"),
        ("a\uffff", LINES, "CHARACTERS"),
        ("a\ufdd0", LINE, "CHARACTERS"),
        ("a\U0010fffe", LINE, "CHARACTERS"),
        ("a\u202eb", LINES, "CHARACTERS"),
        ("a\u2066b", LINE, "CHARACTERS"),
        ("a\nb", LINE, "CHARACTERS"),
        ("a\u2028b", LINE, "CHARACTERS"),
        ("a\r\n\tb", LINES, None),
        ("a\x0bb", LINES, "CHARACTERS"),
    ],
)
def test_a_text_is_judged_by_its_limit(text: str, limit: TextLimit, reason: str | None) -> None:
    problem = problem_of(text, limit, ["field"])
    assert (problem and problem.params["reason"]) == reason
    if problem:
        assert (problem.code, problem.path) == ("MALFORMED", ["field"])


def test_the_path_leads_to_each_text_that_is_wrong() -> None:
    command = Command(
        first_name="\x00", others=["fine", "too long"], maybe=None, inner=Row(text="a\nb"), ids=["\x00", "x" * 500]
    )
    assert codes(text_validator(Command)(command)) == [
        ("firstName", "CHARACTERS"),
        ("others.1", "TOO_LONG"),
        ("inner.text", "CHARACTERS"),
    ]


def test_a_command_is_judged_as_the_input_that_its_sender_knows() -> None:
    keep, search = signatures(Limited)["keep"], signatures(Limited)["search"]
    wrong = keep.arguments(Command(first_name="too long"))
    assert codes(keep.problems_of(wrong)) == [("firstName", "TOO_LONG")]
    assert codes(search.problems_of(search.arguments("fine", "a\x00"))) == [("also", "CHARACTERS")]
    assert (keep.may_refuse, search.may_refuse) == (True, False)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("", ""),
        (" \t\n", ""),
        ("\u200b\u3164", ""),
        ("\u2800", ""),
        (" a ", "a"),
        ("a\u0308", "ä"),
        ("too long ", "too long "),
    ],
)
def test_texts_are_normalised_and_trimmed(text: str, normal: str) -> None:
    command = Command(first_name=text, others=[text], maybe=text, inner=Row(text=text))
    normalise = text_normaliser(Command)
    assert normalise is not None
    assert normalise(command) == Command(first_name=normal, others=[normal], maybe=normal, inner=Row(text=normal))


def test_a_verbatim_text_stays_as_it_is_unless_it_is_blank() -> None:
    normalise = text_normaliser(list[Annotated[str, TextLimit(9, verbatim=True)]])
    assert normalise is not None
    assert normalise([" a\u0308 ", "\u200b "]) == [" a\u0308 ", ""]
    assert text_normaliser(list[SiteId]) is None


def test_only_the_first_problems_are_reported() -> None:
    assert len(text_validator(list[Short])(["\x00"] * 10_000)) == MAX_PROBLEMS


def test_a_batch_is_its_operations_to_judge() -> None:
    take = signatures(Limited)["take"]
    assert take.problems_of(take.arguments([Row(text="\x00")])) == []
    assert codes(text_validator(Row)(Row(text="\x00"))) == [("text", "CHARACTERS")]


def test_arguments_are_as_large_as_their_types_allow() -> None:
    search = signatures(Limited)["search"]
    longest: Any = search.arguments("\x01" * 5, "\x01" * 5)
    assert len(msgspec.json.encode(longest)) <= search.max_bytes < 150
    assert signatures(Limited)["take"].max_bytes == MAX_BODY_BYTES


def test_a_text_without_a_limit_is_complained_about() -> None:
    assert text_limit_errors([Limited]) == []
    assert text_limit_errors([Unlimited]) == [
        "Unlimited.keep: row.someText has no TextLimit",
        "Unlimited.keep: row.byKey has no TextLimit",
        "Unlimited.keep: texts has no TextLimit",
    ]


def test_every_text_of_every_contract_has_a_limit() -> None:
    assert text_limit_errors(CONTRACTS) == []
