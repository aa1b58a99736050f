"""VERP: an address names a mail; no other address is one."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.runtime.settings import InvalidSettings, load
from services.support.messaging.bounce_addresses import SignedBounceAddresses
from services.support.settings import SupportSettings
from tests.unit.support.test_settings import NEEDED

MAIL = uuid.UUID("5f0c5c7e-7f0b-4d67-9a55-2b6a0f6f3f0e")
ADDRESSES = SignedBounceAddresses(bytes(32), "Bounces@Kierto.example")
ADDRESS = ADDRESSES.address(MAIL)


def settings_of(address: str, listen: str = "") -> SupportSettings:
    return load(
        SupportSettings,
        "support",
        {**NEEDED, "KIERTO_SUPPORT_BOUNCE_ADDRESS": address, "KIERTO_SUPPORT_BOUNCE_LISTEN": listen},
    )


@given(st.uuids())
def test_an_address_is_read_again_in_any_case(mail: uuid.UUID) -> None:
    address = ADDRESSES.address(mail)
    assert address.startswith("bounces+")
    assert address.endswith("@kierto.example")
    assert ADDRESSES.read(address) == ADDRESSES.read(address.upper()) == mail


def test_the_longest_address_fits_into_an_envelope() -> None:
    base = settings_of(f"{'b' * 16}@kierto.example").bounce_address
    local = SignedBounceAddresses(b"", base).address(MAIL).partition("@")[0]
    assert len(local) == 64


def test_without_a_base_there_is_none() -> None:
    off = SignedBounceAddresses(bytes(32), "")
    assert off.address(MAIL) == ""
    assert off.read(ADDRESS) is None
    tag = ADDRESS.partition("@")[0].removeprefix("bounces")
    assert [off.read(other) for other in (tag, f"{tag}@", f"@{tag}")] == [None, None, None]


@pytest.mark.parametrize(
    "other",
    [
        SignedBounceAddresses(bytes([1] * 32), "bounces@kierto.example").address(MAIL),
        ADDRESS.replace("kierto.example", "kierto.example.com"),
        ADDRESS.replace("bounces+", "bounce+"),
        ADDRESS.replace("bounces+", "x-bounces+"),
        ADDRESS.replace(".", ".0", 1),
        "bounces@kierto.example",
        f"{ADDRESS}@kierto.example",
        "",
    ],
)
def test_other_addresses_are_none(other: str) -> None:
    assert ADDRESSES.read(other) is None


@given(st.text())
def test_any_other_text_is_none(text: str) -> None:
    assert ADDRESSES.read(text) is None


@pytest.mark.parametrize("place", range(len(ADDRESS)))
def test_an_altered_address_is_none(place: int) -> None:
    for other in "0a+.@":
        if other != ADDRESS[place]:
            assert ADDRESSES.read(ADDRESS[:place] + other + ADDRESS[place + 1 :]) is None


@pytest.mark.parametrize("address", ["bounces", "@kierto.example", "bounces@", f"{'b' * 17}@kierto.example"])
def test_the_setting_is_an_address_that_leaves_room(address: str) -> None:
    with pytest.raises(InvalidSettings, match="KIERTO_SUPPORT_BOUNCE_ADDRESS is wrong"):
        settings_of(address)


def test_who_listens_knows_for_which_address() -> None:
    assert settings_of("bounces@kierto.example", "127.0.0.1:25").bounce_listen is not None
    with pytest.raises(InvalidSettings, match="needs KIERTO_SUPPORT_BOUNCE_ADDRESS"):
        settings_of("", "127.0.0.1:25")
