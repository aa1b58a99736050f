"""The keys of the texts that the code of each owner shows, with the parameters that it gives them."""

import ast
import enum
import itertools
import re
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from jinja2 import Environment, nodes

from services.contracts.permission import Role
from services.contracts.sites import Fraction
from services.contracts.support.messages import MessageKind
from services.contracts.support.tickets import ContactPreference
from services.contracts.ticket_requests import Topic
from services.contracts.values import MalformedReason
from services.identity.mapping.account_mail import LinkMail, NoticeMail
from tests.gateway.raised_codes import RaisedCode, raised_codes

ROOT = Path(__file__).parents[1]

Usage = Callable[[Collection[str]], Mapping[str, frozenset[str] | None]]
"""From the keys of an owner's catalogues to the keys that its code shows.

Each key has the parameters that every place gives it, or None if the code does not say."""

OF_THE_GATEWAY = {"FORBIDDEN", "UNAUTHENTICATED", "UNAVAILABLE", "NOT_READY_YET", "MALFORMED", "TOO_LARGE"}
OF_THE_GATEWAYS_PAGES = {"UNSUBSCRIBE", "UNSUBSCRIBE.BUTTON", "UNSUBSCRIBE.DONE"}
MADE_BY_THE_GATEWAY = "UNEXPECTED"
"""A service raises it without params: the gateway adds the trace id."""
UNRAISED = {
    # Raised as a GraphQLError (gateway/execution/limits/operation_limits.py).
    "LIMIT_EXCEEDED",
    # For a reason that this build does not have yet, during a rolling deployment.
    "WEAK_PASSWORD",
    "WRONG_FILE",
}
MEMBERS: Mapping[str, type[enum.Enum]] = {
    "TOPIC.": Topic,
    "RECEIPT.CONTACT.": ContactPreference,
    "FRACTION.": Fraction,
    "KIND.": MessageKind,
    "ROLE.": Role,
    **dict.fromkeys(("SUBJECT.", "INTRODUCTION.", "EXPLANATION.", "LINK."), LinkMail),
    **dict.fromkeys(("NOTICE.", "NOTICE_INTRODUCTION.", "NOTICE_EXPLANATION."), NoticeMail),
}
"""The prefixes of texts that are named by the members of an enumeration."""

_PROMISED = re.compile(r"efused with ([^.]+)\.")
_CODE = re.compile(r"\b[A-Z]{2,}(?:_[A-Z]+)*\b")
_BAD_ROW = re.compile(
    r'\b(?:RowError|row_error)\([^,()]+(?:\([^()]*\)|\[[^\]]*\])?, "([A-Z_0-9]+)"'
    r'(?:, (?:retryable=True, )?reason="([A-Z_]+)")?'
)


def messages_shown(keys: Collection[str]) -> Mapping[str, frozenset[str] | None]:
    """Return the usage of the gateway's messages: every code that is raised or promised, and every reason."""
    shown: dict[str, frozenset[str] | None] = dict.fromkeys(
        promised_codes() | OF_THE_GATEWAY | OF_THE_GATEWAYS_PAGES | UNRAISED
    )
    shown |= {f"MALFORMED.{reason}": None for reason in typing.get_args(MalformedReason)}
    for raised in raised_codes():
        for key in keys_for(raised, keys):
            given = shown.get(key)
            if raised.code != MADE_BY_THE_GATEWAY:
                shown[key] = raised.params if given is None else given & raised.params
            else:
                shown[key] = None
    return shown


def keys_for(raised: RaisedCode, keys: Collection[str]) -> Collection[str]:
    """Return the keys of the texts that a raised code may be shown by."""
    if raised.reason == "*":
        return [key for key in keys if key.partition(".")[0] == raised.code]
    special = f"{raised.code}.{raised.reason}"
    return [special if special in keys else raised.code]


def promised_codes() -> set[str]:
    """Return the codes in the contracts' docstrings."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "services/contracts").rglob("*.py")]
    return {code for text in texts for promise in _PROMISED.findall(text) for code in _CODE.findall(promise)}


def bad_rows_shown(keys: Collection[str]) -> Mapping[str, frozenset[str] | None]:
    """Return the usage of the reasons of bad rows: every code, with its reason if it has one."""
    found = {"MISSING", "MALFORMED.TOO_LONG", "MALFORMED.CHARACTERS", "MALFORMED"}
    found |= {f"MALFORMED.{reason}" for reason in ("ONE_OF", "NUMBER", "DATE", "INSTANT")}
    for file in (ROOT / "services").rglob("*.py"):
        for code, reason in _BAD_ROW.findall(file.read_text(encoding="utf-8")):
            found.add(f"{code}.{reason}" if reason else code)
    return dict.fromkeys(found)


def texts_shown(folder: Path) -> Usage:
    """Return the usage by an owner's calls of ``text``, each with a literal key or the prefix of an enumeration.

    The calls are in its modules, and in its templates of mail.
    """

    def shown(keys: Collection[str]) -> Mapping[str, frozenset[str] | None]:
        modules = (call for path in folder.rglob("*.py") for call in _calls_in_module(path))
        templates = (call for path in folder.glob("mail/*") for call in _calls_in_template(path))
        calls = itertools.chain(modules, templates)
        return {key: params for start, params in calls for key in _members(start)}

    return shown


def _calls_in_module(path: Path) -> Iterator[tuple[str, frozenset[str]]]:
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "text":
            key = call.args[0].values[0] if isinstance(call.args[0], ast.JoinedStr) else call.args[0]
            if not isinstance(key, ast.Constant):
                raise ValueError(f"{path}:{call.lineno}: which text is it?")
            yield str(key.value), frozenset(one.arg for one in call.keywords if one.arg)


def _calls_in_template(path: Path) -> Iterator[tuple[str, frozenset[str]]]:
    template = Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
    for call in template.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "text":
            key = call.args[0]
            if not isinstance(key, nodes.Const):
                raise ValueError(f"{path}:{call.lineno}: which text is it?")
            yield str(key.value), frozenset(one.key for one in call.kwargs)


def _members(key: str) -> list[str]:
    return [f"{key}{member.name}" for member in MEMBERS[key]] if key.endswith(".") else [key]


OWNERS: Mapping[str, Usage] = {
    "gateway/texts": messages_shown,
    "services/chassis/imports/texts": bad_rows_shown,
    "services/identity/texts": texts_shown(ROOT / "services/identity"),
    "services/support/texts": texts_shown(ROOT / "services/support"),
}
"""The owners of catalogues, by the folder."""
