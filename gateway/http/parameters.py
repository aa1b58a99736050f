"""Request parameters in a body or a query string (GraphQL over HTTP, sections 5.3 and 5.4)."""

import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from gateway.admission import GraphQLRequest
from gateway.errors import RequestError
from gateway.http.json_text import decode_json

_PARAMETERS = ("query", "documentId", "operationName", "variables", "extensions")
_MAP_PARAMETERS = ("variables", "extensions")
_PARAMETER_NAME = re.compile(r"^\.([a-zA-Z]+)")
_FORMS = {**dict.fromkeys(_PARAMETERS, "a text"), **dict.fromkeys(_MAP_PARAMETERS, "an object")}
"""The forms of the parameters, in words: the decoder's messages are in Python's types."""

_decode_request = msgspec.json.Decoder(GraphQLRequest).decode
_decode_map = msgspec.json.Decoder(dict[str, Any] | None).decode


def parse_body(body: bytes) -> GraphQLRequest:
    """Parse a JSON body; RequestError (INVALID_REQUEST) with the path of an invalid member."""
    try:
        return decode_json(_decode_request, body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _invalid(error) from None


def parse_query_string(query_string: bytes) -> GraphQLRequest:
    """Parse a query string; RequestError as above."""
    try:
        pairs = parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise RequestError(400, "INVALID_REQUEST", expected="a percent-encoded query in UTF-8", path=[]) from None
    known = [(name, value) for name, value in pairs if name in _PARAMETERS]
    values: dict[str, Any] = dict(known)
    for name in values:
        if sum(other == name for other, _ in known) > 1:
            raise RequestError(400, "INVALID_REQUEST", expected="one value", path=[name])
    for name in _MAP_PARAMETERS:
        if name in values:
            try:
                values[name] = decode_json(_decode_map, values[name].encode()) if values[name] else None
            except (msgspec.DecodeError, RecursionError) as error:
                raise _invalid(error, name) from None
    if not values.get("operationName"):
        values.pop("operationName", None)
    return msgspec.convert(values, GraphQLRequest)


def _invalid(error: Exception, *within: str) -> RequestError:
    """Convert a decoder's error. msgspec's messages: "Expected `str`, got `int` - at `$.query`"; `$.variables[...]`."""
    if not isinstance(error, msgspec.ValidationError):
        expected = "JSON in UTF-8, not nested too deeply"
        return RequestError(400, "INVALID_REQUEST", expected=expected, path=list(within))
    reason, _, place = str(error).partition(" - at `$")
    path = [*within, *_PARAMETER_NAME.findall(place)[:1]]
    expected = _FORMS[path[0]] if path else "an object"
    if not reason.startswith("Expected "):
        expected = "numbers that fit into 64 bits"  # the only other reason
    return RequestError(400, "INVALID_REQUEST", expected=expected, path=path)
