"""A browser, the built page, and a stack with the demonstration data behind it.

Where something is missing its tests are skipped, and say so; with ``CI=true`` they fail instead.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser, sync_playwright

from gateway.playground.build import BuildFailed, build
from tests.browser.visitor import PlaygroundVisitor
from tests.support.stack import RunningStack

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")

Visit = Callable[..., PlaygroundVisitor]


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; as root only without its sandbox. Its event loop runs meanwhile: nobody else's can."""
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if program is None:
        _missing("the playground is tried in no browser: `apt-get install chromium`")
    with sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=sandbox)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def built_page() -> Path:
    """The folder of the built page."""
    try:
        return build()
    except BuildFailed as problem:
        _missing(f"the playground is not tried: {problem}")


@pytest.fixture
def visit(browser: Browser, built_page: Path, demonstration: RunningStack) -> Iterator[Visit]:
    """Makes visitors of the stack's playground, who leave when the test ends."""
    visitors: list[PlaygroundVisitor] = []

    def arrive(**options: object) -> PlaygroundVisitor:
        visitors.append(PlaygroundVisitor(browser, demonstration.gateway, **options))
        return visitors[-1]

    yield arrive
    for one in visitors:
        one.context.close()
