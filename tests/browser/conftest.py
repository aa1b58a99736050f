"""Fixtures of a browser, the built page, and visitors of a stack with the demonstration data.

Without a browser or a page the tests are skipped, with the reason; with ``CI=true`` they fail instead.
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


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; as root without its sandbox. While it is open, no other event loop can run in this thread."""
    program = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if program is None:
        _missing("the playground is tested in no browser: `apt-get install chromium`")
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
    except BuildFailed as error:
        _missing(f"the playground is not tested: {error}")


@pytest.fixture
def visit(browser: Browser, built_page: Path, demonstration: RunningStack) -> Iterator[Visit]:
    """Make visitors of the stack's playground, closed after the test."""
    visitors: list[PlaygroundVisitor] = []

    def make(**options: object) -> PlaygroundVisitor:
        visitors.append(PlaygroundVisitor(browser, demonstration.gateway, **options))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.context.close()
