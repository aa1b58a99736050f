"""Tests of the journey of an admin and a partner on the playground, in two browsers at once."""

import json
import re

from playwright.sync_api import WebSocketRoute, expect

from tests.browser.conftest import Visit
from tests.support.stack import RunningStack

SITES = """query Sites($first: Int!, $search: String) {
  sites(first: $first, filter: {search: $search}) { totalCount edges { node { id } } }
}"""

FOLLOW = "subscription Follow { orderEvents { __typename ... on Checkpoint { cursor } ... on OrderEvent { cursor } } }"


def test_an_order_and_its_event(visit: Visit, demonstration: RunningStack) -> None:
    name, password = demonstration.sign_in_of("property manager")
    admin, planner = visit().open(), visit().open()

    # A customer's admin signs in, and sees their name, their organisations, and the lifetime of the session.
    admin.sign_in(name, password)
    admin.await_signed_in(name)
    admin.page.locator(".bar-who > button").click()
    identity_panel = admin.page.get_by_role("region", name="Who is signed in")
    expect(identity_panel).to_contain_text(f"Name{name}")
    expect(identity_panel).to_contain_text("KindCustomer")
    expect(identity_panel).to_contain_text(re.compile("Organisations.+: admin"))
    expect(identity_panel).to_contain_text(re.compile(r"lives (9|10) min \d+ s, renewed by itself"))
    admin.page.keyboard.press("Escape")
    expect(identity_panel).to_be_hidden()

    # A query with variables.
    admin.write("operation", SITES)
    admin.write("variables", '{"first": 3, "search": null}')
    admin.run()
    answer = json.loads(admin.wait_for("answer", "totalCount"))
    assert answer["data"]["sites"]["totalCount"] == 200
    assert len(answer["data"]["sites"]["edges"]) == 3

    # A partner follows the events, from an example.
    partner, secret = demonstration.sign_in_of("planning")
    planner.sign_in(partner, secret, partner=True)
    planner.await_signed_in(partner)
    planner.open_example("Follow what happens to orders")
    planner.run()
    planner.wait_for("answer", "Checkpoint")
    expect(planner.page.get_by_text("Following: 1 event so far.")).to_be_visible()

    # The admin orders, from an example whose gaps are filled; the event arrives.
    admin.open_example("Order an extra pickup")
    variables = json.loads(admin.text("variables"))["input"]
    assert not any("<" in value for value in variables.values()), variables
    admin.run()
    order = json.loads(admin.wait_for("answer", '"order"'))["data"]["orderExtraPickup"]["order"]["id"]
    assert "orders.order.placed" in planner.wait_for("answer", order)

    # A reload keeps the tabs and the session.
    admin.page.wait_for_function("() => localStorage.getItem('graphiql:tabState')?.includes('OrderExtraPickup')")
    admin.page.reload()
    admin.await_signed_in(name)
    expect(admin.page.get_by_role("tab")).to_contain_text(["Sites", "OrderExtraPickup"])
    assert "mutation OrderExtraPickup" in admin.text("operation")

    # Signing out ends it, also for another page of the same browser.
    other = admin.another_page()
    other.goto(admin.page.url)
    expect(other.locator(".bar-who")).to_contain_text(name)
    admin.page.locator(".bar-who > button").click()
    with admin.page.expect_response("**/auth/session"):
        admin.page.get_by_role("button", name="Sign out").click()
    expect(admin.page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(other.get_by_text("You signed out in another tab.")).to_be_visible()
    assert not [cookie for cookie in admin.context.cookies() if cookie["value"] and "session" in cookie["name"]]
    admin.page.reload()
    admin.await_editor()
    expect(admin.page.get_by_role("button", name="Sign in")).to_be_visible()

    for visitor, kept_secret in ((admin, password), (planner, secret)):
        assert visitor.console == []
        assert visitor.foreign_urls == []
        assert kept_secret not in visitor.stored()
        assert "eyJ" not in visitor.stored(), "a token"


def test_a_subscription_continues_at_its_cursor(visit: Visit, demonstration: RunningStack) -> None:
    """The gateway is killed, and a pickup is ordered before the planner reconnects."""
    planner, admin = visit().open(), visit().open()
    planner.sign_in(*demonstration.sign_in_of("planning"), partner=True)
    planner.await_signed_in(demonstration.sign_in_of("planning")[0])
    planner.open_example("Follow what happens to orders")
    planner.run()
    planner.wait_for("answer", "Checkpoint")

    gateway = demonstration.pid("gateway")
    demonstration.kill("gateway")
    expect(planner.page.get_by_text(re.compile("Closed after 1 event: 1006"))).to_be_visible()
    while not demonstration.restarted("gateway", gateway):
        admin.page.wait_for_timeout(100)

    name, password = demonstration.sign_in_of("property manager")
    admin.sign_in(name, password)
    admin.await_signed_in(name)
    admin.open_example("Order an extra pickup")
    admin.run()
    order = json.loads(admin.wait_for("answer", '"order"'))["data"]["orderExtraPickup"]["order"]["id"]

    planner.page.get_by_role("button", name="Go on behind the last one").click()
    planner.wait_for("answer", order, "orders.order.placed")
    expect(planner.page.get_by_text(re.compile("^Following: "))).to_be_visible()


def test_a_subscription_outlives_its_token(visit: Visit, demonstration: RunningStack) -> None:
    """When the token of its socket expires, the page continues with a new one, without a user."""
    staff = visit()
    sockets: list[WebSocketRoute] = []

    def connect(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    staff.page.route_web_socket("**/graphql", connect)
    staff.open()
    staff.sign_in(*demonstration.sign_in_of("staff"))
    staff.await_signed_in(demonstration.sign_in_of("staff")[0])
    staff.write("operation", FOLLOW)
    staff.run()
    staff.wait_for("answer", "Checkpoint")
    with staff.page.expect_response("**/auth/session/renew"):
        sockets[0].close(code=4403, reason="as the gateway does")
    expect(staff.page.get_by_text("Following: 2 events so far.")).to_be_visible()
    assert len(sockets) == 2
