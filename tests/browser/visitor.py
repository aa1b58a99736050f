"""A visitor of the playground, in a browser context of their own."""

import re
from types import TracebackType
from typing import Any, Self, cast

from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

TIMEOUT_MS = 30_000
expect.set_options(timeout=TIMEOUT_MS)

FILES = {
    "operation": "operation.graphql",
    "variables": "variables.json",
    "headers": "request-headers.json",
    "answer": "response.json",
}
"""File names of the editors."""


class PlaygroundVisitor:
    """A browser context with one page on the playground, which records its console and requests to other hosts."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.url = url
        self.console: list[str] = []
        self.foreign_urls: list[str] = []
        self.context: BrowserContext = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        self.context.set_default_timeout(TIMEOUT_MS)
        self.page = self.another_page()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.context.close()

    def another_page(self) -> Page:
        page = self.context.new_page()
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))
        page.on("request", self._record_request)
        return page

    def open(self, fragment: str = "") -> Self:
        self.page.goto(f"{self.url}/graphql{fragment}")
        self.await_editor()
        return self

    def await_editor(self) -> None:
        expect(self.page.locator(".graphiql-query-editor .view-line").first).to_be_visible()

    def sign_in(self, name: str, password: str, *, partner: bool = False) -> None:
        """Fill in the form and send it; the test checks the result."""
        page = self.page
        if page.locator("form.sign-in").count() == 0:
            page.get_by_role("button", name="Sign in").click()
        if partner:
            page.get_by_label("As a partner").check()
        page.get_by_label("Client id" if partner else "Username").fill(name)
        page.get_by_label("Client secret" if partner else "Password").fill(password)
        page.locator("form.sign-in").get_by_role("button", name="Sign in").click()

    def await_signed_in(self, name: str) -> None:
        """Wait until the bar shows this name, and the editor is there."""
        expect(self.page.locator(".bar-who")).to_contain_text(name)
        self.await_editor()

    def write(self, name: str, text: str) -> None:
        """Replace the text of an editor, which would complete typed brackets and names."""
        write = "([name, text]) => __MONACO.editor.getModels().find(one => one.uri.path.endsWith(name)).setValue(text)"
        self.page.evaluate(write, [FILES[name], text])

    def text(self, name: str) -> str:
        """Return the text of an editor."""
        read = "name => __MONACO.editor.getModels().find(one => one.uri.path.endsWith(name))?.getValue() ?? ''"
        return cast(str, self.page.evaluate(read, FILES[name]))

    def run(self) -> None:
        self.page.get_by_role("button", name=re.compile("^(Execute|Stop) query")).click()

    def wait_for(self, name: str, *words: str) -> str:
        """Wait until an editor shows all of these."""
        contains = """([name, words]) => {
            const model = __MONACO.editor.getModels().find(one => one.uri.path.endsWith(name));
            return model && words.every(word => model.getValue().includes(word));
        }"""
        self.page.wait_for_function(contains, arg=[FILES[name], list(words)])
        return self.text(name)

    def open_example(self, title: str) -> None:
        """Open an example from the menu, in a new tab."""
        tabs = self.page.get_by_role("tab").count()
        self.page.get_by_role("button", name="Examples", exact=True).click()
        self.page.get_by_role("region", name="Examples").get_by_role("button", name=title).click()
        expect(self.page.get_by_role("tab")).to_have_count(tabs + 1)
        self.page.wait_for_function("() => !document.querySelector('.examples .panel:not([hidden])')")

    def stored(self) -> str:
        """Return all that the browser stores for the page and lets it read."""
        read = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
        return cast(str, self.page.evaluate(read))

    def _record_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.url}/", "data:", "blob:")):
            self.foreign_urls.append(request.url)
