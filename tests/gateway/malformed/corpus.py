"""All malformed requests of the tables, and random mutations."""

import random
from collections.abc import Iterator

from tests.gateway.malformed.bodies import BODIES
from tests.gateway.malformed.documents import DOCUMENTS
from tests.gateway.malformed.headers import HEADERS
from tests.gateway.malformed.raw_http import http, post_document
from tests.gateway.malformed.targets import TARGETS

CORPUS = [*BODIES, *DOCUMENTS, *HEADERS, *TARGETS]

_VALID = (
    post_document(
        "query A($search: String, $size: Int! = 10) { sites(first: $size, filter: {search: $search}) { totalCount } }",
        variables={"search": "kuja", "size": 3},
        operationName="A",
    ),
    post_document("{ me { username ...A } } fragment A on Me { id @include(if: true) }"),
    post_document(
        "mutation { signOut { __typename } }", extensions={"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
    ),
    http("GET", "/graphql?query=%7B__typename%7D&variables=%7B%22a%22:[1,2]%7D", "Accept: application/json;q=0.5, */*"),
)
_FRAGMENTS = [*rb"""{ } [ ] " \ : , $ ... @ null 1e400 % ;q=0 # \u0000 -1 true""".split(), b"\0", b"\xff", b"\r\n"]


def mutated_requests(seed: int) -> Iterator[bytes]:
    """Yield mutations of valid requests (deleted, inserted, doubled, moved or reversed parts), endlessly, by a seed."""
    chance = random.Random(seed)
    while True:
        sent = bytearray(chance.choice(_VALID))
        for _ in range(chance.randint(1, 4)):
            at, length = chance.randrange(len(sent)), chance.randint(1, 12)
            match chance.randrange(5):
                case 0:
                    del sent[at : at + length]
                case 1:
                    sent[at:at] = chance.choice(_FRAGMENTS)
                case 2:
                    sent[at:at] = sent[at : at + length]
                case 3:
                    sent[at] ^= 1 << chance.randrange(8)
                case _:
                    sent[at:] = sent[at:][::-1] if chance.random() < 0.1 else sent[at:]
            if not sent:
                sent = bytearray(b"\0")
        yield bytes(sent)
