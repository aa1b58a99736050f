"""Tests of signing in on the page, and of the lifetime of sessions."""

import re

from playwright.sync_api import Request, expect

from tests.browser.conftest import Visit
from tests.browser.visitor import PlaygroundVisitor
from tests.support.stack import RunningStack


def test_a_wrong_password_is_refused_in_the_chosen_language(visit: Visit) -> None:
    visitor = visit().open()
    visitor.page.get_by_label("Language of answers").select_option("fi")
    visitor.sign_in("nobody", "not the password")
    expect(visitor.page.get_by_role("alert").first).to_have_text(re.compile("salasana", re.IGNORECASE))


def sign_in_with_clock(visit: Visit, demonstration: RunningStack) -> PlaygroundVisitor:
    """Sign a visitor in, on a page whose clock the test moves."""
    name, password = demonstration.sign_in_of("property manager")
    visitor = visit()
    visitor.page.clock.install()
    visitor.open()
    visitor.sign_in(name, password)
    visitor.await_signed_in(name)
    return visitor


def test_a_token_is_renewed_before_it_ends(visit: Visit, demonstration: RunningStack) -> None:
    visitor = sign_in_with_clock(visit, demonstration)
    with visitor.page.expect_request("**/auth/session/renew") as renewed:
        visitor.page.clock.fast_forward("09:05")
    response = renewed.value.response()
    assert response is not None
    token = response.json()["accessToken"]

    def has_new_token(request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {token}"

    with visitor.page.expect_request(has_new_token):
        visitor.run()
    assert token not in visitor.stored()


def test_a_session_that_ended_elsewhere_is_shown(visit: Visit, demonstration: RunningStack) -> None:
    visitor = sign_in_with_clock(visit, demonstration)
    visitor.context.clear_cookies()
    visitor.page.clock.fast_forward("09:05")
    expect(visitor.page.get_by_text("Your session has ended. Sign in again.")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Sign in")).to_be_visible()


def test_headers_are_never_stored(visit: Visit) -> None:
    visitor = visit().open()
    visitor.page.get_by_role("button", name="Headers").click()
    visitor.write("headers", '{"X-Planted": "a planted secret"}')
    with visitor.page.expect_request(lambda request: "x-planted" in request.headers):
        visitor.run()
    visitor.wait_for("answer", "__typename")
    visitor.page.wait_for_function("() => 'graphiql:queries' in localStorage && 'graphiql:tabState' in localStorage")
    assert "a planted secret" not in visitor.stored()
