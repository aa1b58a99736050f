"""RFC 8058: a link says who chooses and what kind; no other text is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.support.messages import MessageKind
from services.support.http.unsubscribe_links import SignedUnsubscribeLinks

LINKS = SignedUnsubscribeLinks(bytes(32), "https://kierto.example/")
USER = "user_01h455vb4pex5vsknk084sn02q"


def token_of(links: SignedUnsubscribeLinks = LINKS, kind: MessageKind = MessageKind.DAY_CHANGED) -> str:
    link = links.link(USER, kind)
    assert link is not None
    base, _, token = link.rpartition("/")
    assert base == "https://kierto.example/unsubscribe"
    return token


def test_a_link_is_read_again() -> None:
    assert LINKS.read(token_of()) == (USER, MessageKind.DAY_CHANGED)


def test_a_kind_that_is_not_optional_has_no_link() -> None:
    assert LINKS.link(USER, MessageKind.RECEIPT) is None


def test_without_the_gateways_address_there_is_no_link() -> None:
    assert SignedUnsubscribeLinks(bytes(32), "").link(USER, MessageKind.DAY_CHANGED) is None


def test_a_link_of_another_key_is_none() -> None:
    assert LINKS.read(token_of(SignedUnsubscribeLinks(bytes([1] * 32), "https://kierto.example"))) is None


@given(st.text())
def test_any_other_text_is_no_link(text: str) -> None:
    assert LINKS.read(text) is None


@pytest.mark.parametrize("place", range(len(token_of())))
def test_an_altered_link_is_none(place: int) -> None:
    token = token_of()
    for other in "A9-_ =.":
        if other != token[place]:
            assert LINKS.read(token[:place] + other + token[place + 1 :]) is None
