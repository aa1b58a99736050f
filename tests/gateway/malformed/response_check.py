"""Checks of responses against the form of errors."""

import json
from collections.abc import Collection
from typing import Any

from tests.gateway.malformed.cases import SUCCESS_OR_CLIENT_ERROR
from tests.gateway.malformed.raw_http import RawResponse, RequestCompleteness, completeness_of, exchange, send_and_close

_BEFORE_GRAPHQL = (204, 431)
"""Statuses without a JSON body: no content, and a head that exceeds the server's limit."""
_UNKNOWN_HOST = b"This server does not answer for that host.\r\n"
"""The statuses of a request that is not routed: its host is malformed or missing."""


async def check_bytes(url: str, sent: bytes, expected: Collection[int] = SUCCESS_OR_CLIENT_ERROR) -> str:
    """Send bytes and return the defect of the response; empty if there is none."""
    kind = completeness_of(sent)
    if kind is RequestCompleteness.HALF:
        await send_and_close(url, sent)
        return ""
    try:
        found = await exchange(url, [sent])
    except TimeoutError:
        return "no answer in time"
    if kind is not RequestCompleteness.WHOLE:
        return (
            ""
            if all(one.status in SUCCESS_OR_CLIENT_ERROR or one.status == 101 for one in found)
            else f"answered {found}"
        )
    if not found:
        return "hung up without an answer"
    return check_response(found[0], of=sent, expected=expected)


def check_response(answer: RawResponse, *, of: bytes, expected: Collection[int] = SUCCESS_OR_CLIENT_ERROR) -> str:
    """Return the defect of a response to a request, ``of``; empty if there is none."""
    if answer.status not in expected:
        return f"status {answer.status}: {answer.body[:300]!r}"
    if not answer.complete:
        return "the answer broke off"
    if answer.status == 400 and answer.body == _UNKNOWN_HOST:
        return ""
    if not _is_for_graphql(of) or answer.status in _BEFORE_GRAPHQL:
        return ""
    if "json" not in answer.headers.get("content-type", ""):
        return f"{answer.status} as {answer.headers.get('content-type')}: {answer.body[:300]!r}"
    try:
        content = json.loads(answer.body)
    except ValueError:
        return f"no JSON: {answer.body[:300]!r}"
    return check_shape(content, answer.status)


def _is_for_graphql(sent: bytes) -> bool:
    line = sent.partition(b"\r\n")[0].split(b" ")
    return line[0] != b"HEAD" and len(line) > 1 and line[1].partition(b"?")[0] == b"/graphql"


def check_shape(content: Any, status: int) -> str:
    """Return the difference from GraphQL's form of responses; empty if there is none."""
    if not isinstance(content, dict) or not ("data" in content or "errors" in content):
        return f"neither data nor errors: {content}"
    if status >= 400 and ("data" in content or not content.get("errors")):
        return f"{status} without errors, or with data: {content}"
    for error in content.get("errors", []):
        code = error.get("extensions", {}).get("code")
        if not isinstance(code, str) or not isinstance(error.get("message"), str) or not error["message"]:
            return f"an error without code or text: {error}"
        if code == "UNEXPECTED":
            return f"an unexpected error:  {error}"
    return ""
