"""Wrong, repeated and malformed header fields and framing (RFC 9110, RFC 9112)."""

import gzip

from tests.gateway.malformed.bodies import GOOD
from tests.gateway.malformed.cases import BAD, OK, TOO_LARGE, WRONG_TYPE, MalformedRequest
from tests.gateway.malformed.raw_http import http, post

_JSON = "Content-Type: application/json"
_CHUNKED = "Transfer-Encoding: chunked"

_WRONG_TYPES = (
    "text/plain",
    "text/html",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "application/graphql",
    "application/xml",
    "application/octet-stream",
    "application/jsonp",
    "application/json+x",
    "json",
    "application/",
    "/",
    ";",
    "",
    "\xff\xfe",
    "x" * 10_000,
)
_ODD_TYPES = (
    "APPLICATION/JSON",
    "application/json;charset=UTF-8",
    'application/json; charset="utf-8"',
    "application/json ; x=y",
    "application/json;",
)
_OTHER_CHARSETS = ("utf-16", "iso-8859-1", "nothing", "", '"', "utf-8; charset=utf-16")
_ACCEPTS = (
    "",
    "*/*;q=0",
    "application/json;q=0",
    "application/json;q=2",
    "application/json;q=x",
    "application/graphql-response+json;q=0, application/json;q=0",
    "text/css",
    "image/*",
    "*/json",
    "nonsense",
    ",,,;;;===",
    "application/json" * 500,
    ", ".join(f"a/b{number};q=0.{number}" for number in range(500)),
    "multipart/mixed",
    "multipart/mixed;subscriptionSpec=1.0",
    "text/event-stream",
    "\xff\xfe",
)
_ODD_HEADERS = {
    "a type twice": ["Content-Type: text/plain"],
    "an unknown encoding": ["Content-Encoding: nothing"],
    "a good token and another": ["Authorization: Bearer x.y.z", "Authorization: Bearer a.b.c"],
    "a token of 6,000 letters": ["Authorization: Bearer " + "x" * 6000],
    "a token of nothing": ["Authorization: Bearer"],
    "no token at all": ["Authorization: "],
    "a token of bytes": ["Authorization: Bearer \xff\xfe.\xff.\xff"],
    "a token that is JSON": ['Authorization: Bearer {"alg": "none"}'],
    "a token of no algorithm": ["Authorization: Bearer eyJhbGciOiJub25lIn0.e30."],
    "a language of bytes": ["Accept-Language: \xff\xfe"],
    "500 languages": ["Accept-Language: " + ", ".join(f"x{number};q=1e400" for number in range(500))],
    "a trace of nonsense": ["traceparent: 00-" + "z" * 32 + "-zzz-01"],
    "a trace of 6,000 letters": ["traceparent: " + "0" * 6000],
    "an address that is none": ["X-Forwarded-For: \xff, , 999.999.999.999, ::::"],
    "an origin that is none": ["Origin: \xff"],
    "an opaque origin": ["Origin: null"],
    "a foreign origin": ["Origin: https://example.com"],
    "a hundred cookies": ["Cookie: a=b"] * 80,
    "a range": ["Range: bytes=0-0, 5-1"],
    "a condition": ["If-Match: nonsense", "If-None-Match: *", "If-Modified-Since: never"],
    "expectations": ["Expect: nothing"],
    "a deadline that is none": ["X-Request-Timeout: NaN", "Request-Timeout: -1"],
    "an upgrade to nothing": ["Connection: Upgrade", "Upgrade: nothing"],
    "connections of nonsense": ["Connection: keep-alive, close, , nonsense"],
    "another method by field": ["X-HTTP-Method-Override: DELETE"],
    "trailers": ["TE: trailers", "Trailer: x"],
}
_NO_HTTP = {
    "nothing but line ends": b"\r\n\r\n\r\n\r\n",
    "a greeting of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "the beginning of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "bytes": bytes(range(256)) * 40,
    "a version that is none": b"POST /graphql HTTP/9.9\r\n\r\n",
    "HTTP/0.9": b"GET /graphql\r\n\r\n",
    "HTTP/1.0": b"GET /graphql?query={__typename} HTTP/1.0\r\n\r\n",
    "a method that is none": http("NOTHING", "/graphql"),
    "a method in small letters": http("post", "/graphql", _JSON, "Content-Length: 2", body=b"{}"),
    "no host": b"GET /graphql HTTP/1.1\r\n\r\n",
    "a field without a colon": http("POST", "/graphql", "nonsense"),
    "a field of no name": http("POST", "/graphql", ": x"),
    "a folded field": http("POST", "/graphql", _JSON, " folded", "Content-Length: 2", body=b"{}"),
    "a NUL in a field": http("POST", "/graphql", "X: a\0b", "Content-Length: 0"),
    "a field of 200,000 letters": http("POST", "/graphql", "X: " + "x" * 200_000),
    "5,000 fields": http("POST", "/graphql", *(f"X{number}: x" for number in range(5_000)), "Content-Length: 0"),
    "half a request line": b"POST /gra",
    "half the fields": b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Ty",
    "half a body": http("POST", "/graphql", _JSON, "Content-Length: 1000", body=GOOD),
    "a length below nothing": http("POST", "/graphql", _JSON, "Content-Length: -1", body=GOOD),
    "a length of letters": http("POST", "/graphql", _JSON, "Content-Length: x", body=GOOD),
    "a length of 30 digits": http("POST", "/graphql", _JSON, "Content-Length: " + "9" * 30, body=GOOD),
    "a length by half": http("POST", "/graphql", _JSON, "Content-Length: 1.5", body=GOOD),
    "two lengths": http("POST", "/graphql", _JSON, "Content-Length: 5", f"Content-Length: {len(GOOD)}", body=GOOD),
    "a length and chunks": http("POST", "/graphql", _JSON, "Content-Length: 5", _CHUNKED, body=b"0\r\n\r\n"),
    "an unknown way of transfer": http("POST", "/graphql", _JSON, "Transfer-Encoding: nonsense", body=GOOD),
    "chunks of chunks": http("POST", "/graphql", _JSON, "Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "a chunk of no size": http("POST", "/graphql", _JSON, _CHUNKED, body=b"\r\nx\r\n0\r\n\r\n"),
    "a chunk of letters": http("POST", "/graphql", _JSON, _CHUNKED, body=b"xyz\r\n" + GOOD + b"\r\n0\r\n\r\n"),
    "a chunk larger than said": http("POST", "/graphql", _JSON, _CHUNKED, body=b"2\r\n" + GOOD + b"\r\n0\r\n\r\n"),
    "a chunk of a size beyond all": http("POST", "/graphql", _JSON, _CHUNKED, body=b"f" * 30 + b"\r\n" + GOOD),
    "chunks without end": http("POST", "/graphql", _JSON, _CHUNKED, body=b"2\r\n{}\r\n"),
    "a length that is too short": http("POST", "/graphql", _JSON, "Content-Length: 5", body=GOOD),
}


def _in_chunks(*chunks: bytes, more: str = "") -> bytes:
    body = b"".join(b"%x%s\r\n%s\r\n" % (len(chunk), more.encode(), chunk) for chunk in (*chunks, b""))
    return http("POST", "/graphql", _JSON, _CHUNKED, body=body)


HEADERS = [
    MalformedRequest("no type", post(GOOD, content_type=None), WRONG_TYPE),
    *(MalformedRequest(f"the type {kind[:40]!r}", post(GOOD, content_type=kind), WRONG_TYPE) for kind in _WRONG_TYPES),
    *(MalformedRequest(f"the type {kind!r}", post(GOOD, content_type=kind), OK) for kind in _ODD_TYPES),
    *(
        MalformedRequest(
            f"the charset {one!r}", post(GOOD, content_type=f"application/json; charset={one}"), {200, 400, 415}
        )
        for one in _OTHER_CHARSETS
    ),
    MalformedRequest(
        "UTF-16, and said so",
        post(GOOD.decode().encode("utf-16"), content_type="application/json; charset=utf-16"),
        {400, 415},
    ),
    *(MalformedRequest(f"Accept: {one[:40]!r}", post(GOOD, accept=one), {200, 406}) for one in _ACCEPTS),
    MalformedRequest("packed by gzip", post(gzip.compress(GOOD), "Content-Encoding: gzip"), {200, 400, 415}),
    MalformedRequest(
        "a bomb of gzip", post(gzip.compress(b"[" * 50_000_000), "Content-Encoding: gzip"), {400, 413, 415}
    ),
    MalformedRequest("said to be packed, and is not", post(GOOD, "Content-Encoding: gzip"), {200, 400, 415}),
    *(MalformedRequest(what, post(GOOD, *fields)) for what, fields in _ODD_HEADERS.items()),
    *(MalformedRequest(what, sent) for what, sent in _NO_HTTP.items()),
    MalformedRequest("one byte a chunk", _in_chunks(*(GOOD[at : at + 1] for at in range(len(GOOD)))), OK),
    MalformedRequest("chunks with extensions", _in_chunks(GOOD, more=';a="b"' * 50), OK),
    MalformedRequest("no chunks", _in_chunks(), BAD),
    MalformedRequest("2 MB of chunks", _in_chunks(*(b" " * 1000 for _ in range(2000))), TOO_LARGE),
    MalformedRequest(
        "a length of 2 MB", http("POST", "/graphql", _JSON, "Content-Length: 2000000", body=b" " * 2_000_000), TOO_LARGE
    ),
]
