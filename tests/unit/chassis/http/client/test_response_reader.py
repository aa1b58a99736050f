"""Response reader: a response is the same however it is divided, and malformed ones are rejected."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.http.client.errors import MalformedResponse
from services.chassis.http.client.response import MAX_HEAD_BYTES, ClientResponse, ResponseReader

LARGEST = 1_000_000


def read(pieces: list[bytes], largest: int = LARGEST) -> ClientResponse | None:
    """Read the responses of a connection that sends these chunks and then ends."""
    reader = ResponseReader(largest)
    for piece in pieces:
        answer = reader.feed(piece)
        if answer is not None:
            return answer
    return reader.end()


def read_parts(pieces: list[bytes]) -> ClientResponse | None:
    """Read one response in parts and join them."""
    reader, head, body = ResponseReader(0), None, []
    for piece in pieces:
        part = reader.feed_part(piece)
        head = part.head or head
        body.append(part.body)
        if part.last:
            assert head is not None
            return ClientResponse(head.status, head.headers, b"".join(body))
    end = reader.end()
    return end and ClientResponse(end.status, end.headers, b"".join([*body, end.body]))


def split_at(data: bytes, at: list[int]) -> list[bytes]:
    """Divide data at these offsets."""
    places = sorted({0, len(data), *(place % (len(data) + 1) for place in at)})
    return [data[begin:end] for begin, end in itertools.pairwise(places)]


names = st.from_regex(r"\A[A-Za-z][A-Za-z0-9-]{0,15}\Z").filter(
    lambda name: name.lower() not in {"content-length", "transfer-encoding", "connection", "upgrade", "trailer"}
)
values = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=30)
lines = st.lists(st.tuples(names, values.map(lambda text: text.encode("latin-1"))), max_size=6)
chunks = st.lists(
    st.tuples(st.binary(min_size=1, max_size=60), st.sampled_from([b"", b";a=b", b';x="y z"'])), max_size=6
)
statuses = st.sampled_from([200, 201, 400, 404, 422, 500, 503, 599])


def head(status: int, headers: list[tuple[str, bytes]]) -> bytes:
    return b"HTTP/1.1 %d Word\r\n" % status + b"".join(b"%b: %b\r\n" % (name.encode(), v) for name, v in headers)


@st.composite
def answers(
    draw: st.DrawFn, framings: tuple[str, ...] = ("length", "chunked", "end", "none")
) -> tuple[bytes, ClientResponse]:
    """A response as bytes, with interim ones before it, and its meaning."""
    status, headers = draw(statuses), draw(lines)
    before = b"".join(
        head(draw(st.sampled_from([100, 102, 103])), draw(lines)) + b"\r\n" for _ in range(draw(st.integers(0, 2)))
    )
    framing = draw(st.sampled_from(framings))
    expected = [(name.encode(), value) for name, value in headers]
    begin = before + head(204 if framing == "none" else status, headers)
    if framing == "none":
        return begin + b"\r\n", ClientResponse(204, expected, b"")
    if framing == "chunked":
        parts, trailers = draw(chunks), draw(lines)
        body = b"".join(part for part, _ in parts)
        data = b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part, extension in parts)
        end = b"0\r\n" + b"".join(b"%b: %b\r\n" % (name.encode(), value) for name, value in trailers) + b"\r\n"
        expected.append((b"Transfer-Encoding", b"chunked"))
        return begin + b"Transfer-Encoding: chunked\r\n\r\n" + data + end, ClientResponse(status, expected, body)
    body = draw(st.binary(max_size=200))
    if framing == "end":
        return begin + b"\r\n" + body, ClientResponse(status, expected, body)
    length = b"%d" % len(body)
    expected.append((b"Content-Length", length))
    return begin + b"Content-Length: " + length + b"\r\n\r\n" + body, ClientResponse(status, expected, body)


@given(answers(), st.lists(st.integers(min_value=0), max_size=40))
def test_a_response_is_the_same_in_any_segments(made: tuple[bytes, ClientResponse], at: list[int]) -> None:
    data, expected = made
    assert read(split_at(data, at)) == expected
    assert read([data[place : place + 1] for place in range(len(data))]) == expected
    assert read_parts(split_at(data, at)) == expected
    assert read_parts([data[place : place + 1] for place in range(len(data))]) == expected


@given(st.lists(answers(("length", "chunked", "none")), max_size=4))
def test_one_connection_reads_several_responses(made: list[tuple[bytes, ClientResponse]]) -> None:
    reader = ResponseReader(LARGEST)
    for data, expected in made:
        assert reader.feed(data) == expected
        assert reader.keep_alive


@given(answers(), st.integers(min_value=0), st.lists(st.integers(min_value=0), max_size=10))
def test_a_truncated_response_is_incomplete(made: tuple[bytes, ClientResponse], end: int, at: list[int]) -> None:
    data, expected = made
    part = data[: end % len(data)]
    got = read(split_at(part, at))
    assert read_parts(split_at(part, at)) == got
    # Only the body that ends with the connection may be shorter than intended, which the client can't detect.
    assert got is None or (got.status == expected.status and expected.body.startswith(got.body))
    if b"Content-Length" in data or b"chunked" in data or expected.status == 204:
        assert got is None


@given(st.binary(min_size=1, max_size=300), st.lists(st.integers(min_value=0), max_size=10))
def test_any_bytes_are_a_response_or_refused(data: bytes, at: list[int]) -> None:
    try:
        whole = read([data])
    except MalformedResponse:
        whole = None
    try:
        pieces = read(split_at(data, at))
    except MalformedResponse:
        pieces = None
    assert pieces == whole
    try:
        parts = read_parts(split_at(data, at))
    except MalformedResponse:
        parts = None
    assert parts == whole


BEGIN = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"not HTTP at all\r\n\r\n",
        b"\x16\x03\x01\x02\x00",  # TLS
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 099 Too little\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        BEGIN + b"Content-Length: -1\r\n\r\n",
        BEGIN + b"Content-Length: ten\r\n\r\n",
        BEGIN + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        BEGIN + b"Content-Length: 99999999999999999999999\r\n\r\n",
        BEGIN + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        BEGIN + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        BEGIN + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        BEGIN + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        BEGIN + b"Transfer-Encoding: gzip\r\n\r\nabc",
        BEGIN + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        BEGIN + b"Bad name: 1\r\n\r\n",
        BEGIN + b"Bad\x00: 1\r\n\r\n",
        BEGIN + b"Folded: 1\r\n 2\r\n\r\n",
        BEGIN + b"Content-Length: 2\r\n\r\nabc",
        BEGIN + b"Content-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        BEGIN + b"Connection: close\r\nContent-Length: 2\r\n\r\nabc",
        b"HTTP/1.1 204 No Content\r\n\r\nbody",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nbody",
    ],
)
def test_a_malformed_response_is_refused(data: bytes) -> None:
    for read_response in (read, read_parts):
        with pytest.raises(MalformedResponse) as caught:
            read_response([data])
        assert caught.value.sent


def test_a_response_shorter_than_its_length_is_incomplete() -> None:
    assert read([BEGIN + b"Content-Length: 10\r\n\r\nabc"]) is None
    assert read([BEGIN + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]) is None


@pytest.mark.parametrize(
    "data",
    [
        BEGIN + b"Content-Length: 100001\r\n\r\n" + b"x" * 100_001,
        BEGIN + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n",
        BEGIN + b"Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: " + b"x" * 100_000,
        BEGIN + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * 100_000,
        BEGIN + b"\r\n" + b"x" * 100_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
        b"HTTP/1.1 200 " + b"x" * 100_000,
    ],
)
@pytest.mark.parametrize("size", [1_000, 200_000])
def test_a_response_too_large_is_refused(data: bytes, size: int) -> None:
    with pytest.raises(MalformedResponse):
        read([data[place : place + size] for place in range(0, len(data), size)], largest=100_000)


def test_a_head_has_a_maximum_size() -> None:
    one = b"Name: " + b"x" * 1_000 + b"\r\n"
    for read_response in (read, read_parts):
        assert read_response([BEGIN + one * 60 + b"Content-Length: 0\r\n\r\n"]) is not None
    for many in (BEGIN + one * 70 + b"Content-Length: 0\r\n\r\n", BEGIN + b"Name: " + b"x" * (MAX_HEAD_BYTES + 1)):
        with pytest.raises(MalformedResponse):
            read([many])
        with pytest.raises(MalformedResponse):
            read([many[place : place + 500] for place in range(0, len(many), 500)])
        with pytest.raises(MalformedResponse):
            read_parts([many[place : place + 500] for place in range(0, len(many), 500)])


def test_a_streamed_body_has_no_maximum_size() -> None:
    body = b"x" * 1_000_000
    assert read_parts([BEGIN + b"Content-Length: 1000000\r\n\r\n", body[:300_000], body[300_000:]]) is not None


@pytest.mark.parametrize(
    ("data", "keep_alive"),
    [
        (BEGIN + b"Content-Length: 0\r\n\r\n", True),
        (BEGIN + b"Content-Length: 0\r\nConnection: close\r\n\r\n", False),
        (BEGIN + b"Content-Length: 0\r\nConnection: Foo, Close\r\n\r\n", False),
        (BEGIN + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", True),
    ],
)
def test_responses_that_leave_the_connection_reusable(data: bytes, keep_alive: bool) -> None:
    reader = ResponseReader(LARGEST)
    assert reader.feed(data) is not None
    assert reader.keep_alive is keep_alive


def test_a_field_is_found_whatever_its_case() -> None:
    answer = read([BEGIN + b"conTENT-type: a/b\r\nContent-Type: c/d\r\nContent-Length: 0\r\n\r\n"])
    assert answer is not None
    assert (answer.header(b"content-type"), answer.header(b"server")) == (b"a/b", None)


def with_length(body: bytes, *fields: bytes, status: int = 200) -> bytes:
    lines = [b"HTTP/1.1 %d Word" % status, *fields, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@given(
    st.lists(
        st.tuples(st.sampled_from([200, 206, 404]), st.sampled_from([[], [b"A: b"], [b"A: b", b"C: d"]]), st.binary()),
        min_size=1,
        max_size=8,
    ),
    st.lists(st.integers(0, 2000)),
)
def test_each_response_of_a_connection_is_as_if_it_were_alone(
    answers: list[tuple[int, list[bytes], bytes]], at: list[int]
) -> None:
    reader = ResponseReader(LARGEST)
    for status, fields, body in answers * 2:
        whole = with_length(body, *fields, status=status)
        for pieces in ([whole], split_at(whole, at), [whole]):
            assert [reader.feed(piece) for piece in pieces][-1] == read([whole])
            assert reader.keep_alive


@pytest.mark.parametrize("wrong", [with_length(b"body") + b"more", with_length(b"x" * 2_000)])
def test_a_malformed_response_after_a_complete_one_is_refused(wrong: bytes) -> None:
    reader = ResponseReader(1_000)
    reader.feed(with_length(b"once"))
    with pytest.raises(MalformedResponse):
        reader.feed(wrong)
