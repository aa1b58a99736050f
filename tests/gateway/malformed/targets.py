"""Methods that GraphQL does not allow, and GETs with malformed parameters (GraphQL over HTTP, 5.1 and 5.3)."""

from urllib.parse import quote

from tests.gateway.malformed.bodies import GOOD
from tests.gateway.malformed.cases import BAD, CLIENT_ERROR, OK, OK_OR_BAD, SUCCESS_OR_CLIENT_ERROR, MalformedRequest
from tests.gateway.malformed.raw_http import ANSWER_TYPE, http

NOT_ALLOWED = frozenset({405})
_TYPENAME = quote("{ __typename }")
_HUGE = quote("{ __typename }" + " " * 15_000)

_METHODS = ("PUT", "PATCH", "DELETE", "TRACE", "COPY", "LOCK", "PROPFIND", "PURGE", "SEARCH", "MKCOL", "REPORT")

_PARAMETERS = {
    "": BAD,
    "query": BAD,
    "query=": BAD,
    "query=%7B": BAD,
    "quer=x": BAD,
    "&&&=&=&": BAD,
    "%": BAD,
    "query=%": BAD,
    "query=%zz": BAD,
    "query=%ff%fe": BAD,
    "query=%00": BAD,
    "query=%u007b": BAD,
    "query=%ed%a0%80": BAD,
    f"query={_TYPENAME}&query={_TYPENAME}": OK_OR_BAD,
    f"query={_TYPENAME}&query=%7B": OK_OR_BAD,
    f"query={_TYPENAME};variables=%7B": CLIENT_ERROR,
    f"query={_TYPENAME}&variables": OK_OR_BAD,
    f"query={_TYPENAME}&variables=": OK_OR_BAD,
    f"query={_TYPENAME}&variables=%7B": BAD,
    f"query={_TYPENAME}&variables=x": BAD,
    f"query={_TYPENAME}&variables=[]": BAD,
    f"query={_TYPENAME}&variables=0": BAD,
    f"query={_TYPENAME}&variables=NaN": BAD,
    f"query={_TYPENAME}&variables=%ff": BAD,
    f"query={_TYPENAME}&variables={'%5B' * 15_000}": BAD,
    f"query={_TYPENAME}&variables=%7B%7D&variables=%7B": OK_OR_BAD,
    f"query={_TYPENAME}&extensions=[]": BAD,
    f"query={_TYPENAME}&extensions=x": BAD,
    f"query={_TYPENAME}&operationName=Nothing": BAD,
    f"query={_TYPENAME}&operationName=": OK_OR_BAD,
    f"query={_TYPENAME}&operationName=%00": BAD,
    f"query={_TYPENAME}&nothing=1": OK,
    f"query={_TYPENAME}#fragment": SUCCESS_OR_CLIENT_ERROR,
    f"query={_HUGE}": OK_OR_BAD,
    f"query={quote('mutation { signOut { __typename } }')}": NOT_ALLOWED,
    f"query={quote('subscription { orderEvents { __typename } }')}": CLIENT_ERROR,
    f"query={quote('query A { __typename } mutation B { __typename }')}": BAD,
    f"query={quote('query A { __typename } mutation B { __typename }')}&operationName=B": NOT_ALLOWED,
    f"documentId={'x' * 10_000}": CLIENT_ERROR,
    "documentId=%00&documentId=1": CLIENT_ERROR,
    "extensions=%7B%22persistedQuery%22%3A%7B%7D%7D": CLIENT_ERROR,
    "extensions=%7B%22persistedQuery%22%3A1%7D": CLIENT_ERROR,
    "extensions=%7B%22persistedQuery%22%3A%7B%22version%22%3A1%2C%22sha256Hash%22%3A%22x%22%7D%7D": CLIENT_ERROR,
    "&".join(f"a{number}=b" for number in range(5_000)): BAD,
}
_PATHS = {
    "an address of 100,000 letters": "/graphql?query=" + "x" * 100_000,
    "a slash behind": "/graphql/",
    "two slashes before": "//graphql",
    "a way around": "/x/../graphql",
    "escaped letters": "/%67raphql",
    "a NUL": "/graphql%00",
    "bytes": "/graphql\xff",
    "an address that is whole": "http://example.com/graphql",
    "only a star": "*",
    "nothing of ours": "/wp-login.php",
    "capitals": "/GRAPHQL",
}


def _get(parameters: str) -> bytes:
    return http("GET", f"/graphql?{parameters}", f"Accept: {ANSWER_TYPE}")


TARGETS = [
    *(
        MalformedRequest(f"the method {one}", http(one, "/graphql", "Content-Length: 0"), NOT_ALLOWED)
        for one in _METHODS
    ),
    MalformedRequest("HEAD", http("HEAD", "/graphql"), SUCCESS_OR_CLIENT_ERROR),
    MalformedRequest("OPTIONS", http("OPTIONS", "/graphql"), SUCCESS_OR_CLIENT_ERROR),
    MalformedRequest(
        "a preflight of a foreign origin",
        http("OPTIONS", "/graphql", "Origin: https://example.com", "Access-Control-Request-Method: POST"),
        SUCCESS_OR_CLIENT_ERROR,
    ),
    MalformedRequest("GET without parameters", http("GET", "/graphql", f"Accept: {ANSWER_TYPE}"), BAD),
    MalformedRequest(
        "GET with a body", http("GET", "/graphql", f"Content-Length: {len(GOOD)}", body=GOOD), CLIENT_ERROR
    ),
    *(MalformedRequest(f"GET ?{one[:60]}", _get(one), expected) for one, expected in _PARAMETERS.items()),
    *(MalformedRequest(f"{what} in the address", http("GET", path)) for what, path in _PATHS.items()),
]
