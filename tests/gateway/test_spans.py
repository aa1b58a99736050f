"""Spans of the gateway's requests and of its calls of services; the stubs' side of a call is in the same process."""

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from tests.gateway.gateway_fixture import GatewayFixture
from tests.support.recorded_spans import RecordedSpans, recorded_spans

pytestmark = pytest.mark.asyncio(loop_scope="module")


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def names(recorded: RecordedSpans) -> list[str]:
    return sorted(span.name for span in recorded.spans)


async def test_a_query_has_spans_of_its_request_its_operation_and_its_calls(gateway: GatewayFixture) -> None:
    with recorded_spans(ratio=1) as recorded:
        answer = await gateway.execute(
            "query Found($text: String) { sites(filter: {search: $text}) { totalCount } }",
            gateway.user(),
            text="Ekokaari 50",
        )
    assert answer["status"] == 200
    request = recorded["POST /graphql"]
    assert attributes(request) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": "/graphql",
        "url.path": "/graphql",
        "url.scheme": "http",
    }
    assert request.context is not None
    assert f"{request.context.trace_id:032x}" == answer["headers"]["X-Trace-Id"]
    assert attributes(recorded["query"]) == {"graphql.operation.type": "query", "graphql.operation.name": "Found"}
    calls = [span for span in recorded.spans if span.name == "sites/sites"]
    assert [span.kind.name for span in calls] == ["SERVER", "CLIENT"]
    assert {str(attributes(span)["rpc.method"]) for span in calls} == {"sites/sites"}
    assert [recorded.path(calls[0]), recorded.path(calls[1])] == [
        ["POST /graphql", "query", "sites/sites", "sites/sites"],
        ["POST /graphql", "query", "sites/sites"],
    ]
    assert "Ekokaari" not in "".join(span.to_json() for span in recorded.spans)


async def test_calls_of_a_batch_are_parts_of_it(gateway: GatewayFixture) -> None:
    with recorded_spans(ratio=1) as recorded:
        answer = await gateway.execute(
            '{ a: sites { totalCount } b: sites(filter: {search: "x"}) { totalCount } }', gateway.user()
        )
    assert "errors" not in answer
    assert names(recorded) == ["POST /graphql", "query", *["sites/roundTrip"] * 2, *["sites/sites"] * 2]
    paths = [recorded.path(span) for span in recorded.spans if span.name == "sites/sites"]
    assert paths == [["POST /graphql", "query", "sites/roundTrip", "sites/roundTrip", "sites/sites"]] * 2


async def test_a_failure_of_a_service_is_one_of_its_call_and_of_the_operation(gateway: GatewayFixture) -> None:
    with recorded_spans(ratio=1) as recorded:
        await gateway.execute('{ sites(filter: {search: "broken"}) { totalCount } }', gateway.user())
    assert attributes(recorded["query"])["kierto.graphql.errors"] == 1
    for span in recorded.spans:
        failed = span.name == "sites/sites"
        assert (span.status.status_code is StatusCode.ERROR) == failed
        assert attributes(span).get("error.type") == ("500" if failed else None)


async def test_a_rejected_request_has_a_span_with_its_status(gateway: GatewayFixture) -> None:
    with recorded_spans(ratio=1) as recorded:
        answer = await gateway.execute("{ nothing }", gateway.user())
    assert names(recorded) == ["POST /graphql"]
    assert attributes(recorded["POST /graphql"])["http.response.status_code"] == answer["status"]
    assert recorded["POST /graphql"].status.status_code is StatusCode.UNSET


async def test_an_operation_on_a_socket_is_a_trace_of_its_own(gateway: GatewayFixture) -> None:
    with recorded_spans(ratio=1) as recorded:
        async with gateway.socket(gateway.user()) as client:
            query = {"query": "query Mine { me { id } }"}
            await client.connection.send_json({"id": "2", "type": "subscribe", "payload": query})
            while (await client.next_message())["type"] != "complete":
                pass
    assert recorded["query"].parent is None
    assert recorded["query"].kind.name == "SERVER"
    assert attributes(recorded["query"]) == {"graphql.operation.type": "query", "graphql.operation.name": "Mine"}
    assert {span.name.partition("/")[0] for span in recorded.spans} == {"query", "identity"}


async def test_a_callers_trace_is_continued(gateway: GatewayFixture) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01", "Authorization": f"Bearer {gateway.user()}"}
    async with gateway.session.post(
        f"{gateway.url}/graphql", json={"query": "{ me { id } }"}, headers=headers
    ) as response:
        assert response.headers["X-Trace-Id"] == trace
    (call,) = gateway.services.calls
    assert call.headers["traceparent"].split("-")[1] == trace
