"""Malformed bodies of requests (GraphQL over HTTP, section 5.4.1)."""

import gzip
import json

from tests.gateway.malformed.cases import (
    BAD,
    CLIENT_ERROR,
    OK,
    OK_OR_BAD,
    SUCCESS_OR_CLIENT_ERROR,
    TOO_LARGE,
    MalformedRequest,
)
from tests.gateway.malformed.raw_http import post

GOOD = b'{"query": "{ __typename }"}'
DEEP = 100_000

_WHOLE_BODIES = {
    "nothing": b"",
    "a blank": b" ",
    "null": b"null",
    "true": b"true",
    "a number": b"42",
    "a string": b'"{ __typename }"',
    "a document that is no JSON": b"{ __typename }",
    "an empty array": b"[]",
    "a batch": b"[" + GOOD + b"," + GOOD + b"]",
    "an empty object": b"{}",
    "half an object": b'{"query": "{ __typename',
    "two objects": GOOD + GOOD,
    "something behind it": GOOD + b"x",
    "a NUL behind it": GOOD + b"\0",
    "NULs": b"\0" * 1000,
    "a NUL in the string": b'{"query": "{ __type\0name }"}',
    "single quotes": b"{'query': '{ __typename }'}",
    "a comma too many": b'{"query": "{ __typename }",}',
    "a comment": b'{"query": "{ __typename }" /* the whole */}',
    "a line feed in the string": b'{"query": "{\n__typename }"}',
    "half an escape": b'{"query": "{ __typename }\\u12"}',
    "an escape that is none": b'{"query": "{ __typename }\\x41"}',
    "bytes that are no UTF-8": b'{"query": "\xff\xfe"}',
    "an overlong slash": b'{"query": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"query": "\xed\xa0\x80"}',
    "UTF-8 that breaks off": b'{"query": "\xe2\x82"}',
    "Latin-1": '{"query": "# jäte"}'.encode("latin-1"),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-32": GOOD.decode().encode("utf-32"),
    "UTF-7": b"+AHsAIgBxAHUAZQByAHkAIgA6ACIAewBfAF8AfQAi-",
    "gzip without Content-Encoding": gzip.compress(GOOD),
    "arrays in arrays": b"[" * DEEP,
    "arrays in arrays, closed": b"[" * DEEP + b"]" * DEEP,
    "objects in objects": b'{"a":' * DEEP,
    "a form": b"query=%7B__typename%7D",
    "a multipart": b'--x\r\nContent-Disposition: form-data; name="query"\r\n\r\n{ __typename }\r\n--x--',
}
_ODD_VALUES = {
    "NaN": b"NaN",
    "infinity": b"Infinity",
    "a number without end": b"1e400",
    "a number with 10,000 digits": b"9" * 10_000,
    "a leading zero": b"01",
    "hexadecimal": b"0x1",
    "arrays in arrays": b"[" * DEEP + b"]" * DEEP,
    "objects in objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
}
_NOT_ODD = {"a number without end", "a number with 10,000 digits"}
"""JSON does not limit numbers, so a decoder may accept these."""

_NOT_STRINGS = {"a number": "0", "false": "false", "true": "true", "an array": '["x"]', "an object": "{}"}
_NOT_OBJECTS = {"a string": '"x"', "a number": "0", "false": "false", "true": "true", "an array": '["x"]'}
_WRONG_TYPES = {
    "query": _NOT_STRINGS,
    "operationName": _NOT_STRINGS,
    "documentId": _NOT_STRINGS,
    "variables": _NOT_OBJECTS,
    "extensions": _NOT_OBJECTS,
}


def _wrong_types() -> list[MalformedRequest]:
    found = []
    for name, values in _WRONG_TYPES.items():
        # Unknown members are ignored: section 5.4.1 allows them.
        expected = OK_OR_BAD if name == "documentId" else BAD
        for kind, value in values.items():
            good = "" if name == "query" else '"query": "{ __typename }", '
            found.append(MalformedRequest(f"{name} is {kind}", post(f'{{{good}"{name}": {value}}}'.encode()), expected))
    return found


BODIES = [
    *(MalformedRequest(f"the body is {what}", post(body), BAD) for what, body in _WHOLE_BODIES.items()),
    *(
        MalformedRequest(
            f"in variables, {what}",
            post(b'{"query": "{ __typename }", "variables": {"a": ' + value + b"}}"),
            OK_OR_BAD if what in _NOT_ODD else BAD,
        )
        for what, value in _ODD_VALUES.items()
    ),
    *_wrong_types(),
    MalformedRequest("the body begins with a byte order mark", post(b"\xef\xbb\xbf" + GOOD), OK_OR_BAD),
    MalformedRequest("query twice", post(b'{"query": "{ __typename }", "query": "{"}'), OK_OR_BAD),
    MalformedRequest("variables twice", post(b'{"query": "{ __typename }", "variables": {"a": 1, "a": 2}}'), OK_OR_BAD),
    MalformedRequest("a NUL by escape in the document", post(b'{"query": "{ __typename } \\u0000"}'), BAD),
    MalformedRequest("a lone surrogate by escape", post(b'{"query": "{ __typename } # \\ud800"}'), OK_OR_BAD),
    MalformedRequest(
        "a thousand unknown members",
        post(json.dumps({"query": "{ __typename }", **{f"member{number}": number for number in range(1000)}}).encode()),
        OK,
    ),
    MalformedRequest(
        "a hash of another text",
        post(
            json.dumps(
                {"query": "{ __typename }", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}
            ).encode()
        ),
        SUCCESS_OR_CLIENT_ERROR,
    ),
    MalformedRequest(
        "a hash that is a number",
        post(b'{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 1}}}'),
        CLIENT_ERROR,
    ),
    MalformedRequest(
        "a hash of version 2",
        post(b'{"extensions": {"persistedQuery": {"version": 2, "sha256Hash": "x"}}}'),
        CLIENT_ERROR,
    ),
    MalformedRequest("persistedQuery is an array", post(b'{"extensions": {"persistedQuery": []}}'), CLIENT_ERROR),
    MalformedRequest(
        "documentId of a megabyte", post(json.dumps({"documentId": "x" * 900_000}).encode()), CLIENT_ERROR
    ),
    MalformedRequest("2 MB of blanks", post(b" " * 2_000_000), TOO_LARGE),
    MalformedRequest("2 MB of brackets", post(b"[" * 2_000_000), TOO_LARGE),
]
