"""Tests of the operations of the contest."""

import re

import pytest
from graphql import build_schema, parse, validate

from tests.benchmarks.contest.pages import OTHERS, PAGES, PORTAL, Page
from tests.support.servers import ROOT

SCHEMA = build_schema((ROOT / "gateway" / "schema.graphql").read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: page.name)
def test_operations_are_valid(page: Page) -> None:
    assert not validate(SCHEMA, parse(page.text))


def test_fifty_others_differ_in_their_selections() -> None:
    assert len(OTHERS) == 50
    assert len({str(page.selected) for page in (*PAGES[:1], *OTHERS)}) == 51
    assert len({page.operation for page in OTHERS}) == len({page.text for page in OTHERS}) == 50


def test_contestants_get_the_same_bytes_but_for_the_path() -> None:
    one, other = (PORTAL.template(path, token_length=100) for path in ("/graphql", "/portal_page"))
    assert one.replace(b"POST /graphql", b"POST /portal_page") == other


def test_a_template_has_the_length_of_its_body() -> None:
    for page in (*PAGES, *OTHERS):
        head, _, body = page.template("/", token_length=100).partition(b"\r\n\r\n")
        assert re.findall(rb"Content-Length: (\d+)", head) == [b"%d" % len(body)]
