"""Tests of ports: one base for all, and ports in use are reported with their holders."""

import os
import socket
from collections.abc import Iterator

import pytest

from deploy.local.errors import StackError
from deploy.local.ports import OFFSETS, Ports, free_base, is_free


@pytest.fixture
def port_in_use() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_every_listener_has_a_port_of_its_own() -> None:
    assert len(set(OFFSETS.values())) == len(OFFSETS)
    assert Ports(9000).of("gateway") == 9000
    assert Ports(9000).of("orders-relay") == 9033
    assert Ports(9000).of("orders-relay-metrics") == 9038
    assert Ports(9000).url("support-api") == "http://127.0.0.1:9051"


def test_a_port_in_use_is_named_with_its_setting_its_holder_and_a_remedy(port_in_use: int) -> None:
    ports = Ports(port_in_use - OFFSETS["kafka"])

    with pytest.raises(StackError) as raised:
        ports.check(["kafka"])

    assert f"{port_in_use} for kafka (KIERTO_PORT_BASE + 84)" in str(raised.value)
    assert f"(pid {os.getpid()})" in str(raised.value)
    assert "KIERTO_PORT_BASE=" in str(raised.value)


def test_unchecked_ports_may_be_in_use(port_in_use: int) -> None:
    Ports(port_in_use - OFFSETS["kafka"]).check([])


def test_a_free_base_is_free(port_in_use: int) -> None:
    base = free_base(21000)

    assert all(is_free(base + offset) for offset in OFFSETS.values())
    assert not is_free(port_in_use)


@pytest.mark.parametrize("base", [80, 65530])
def test_a_base_out_of_range_is_refused(base: int) -> None:
    with pytest.raises(StackError, match="between 1024 and"):
        Ports(base)
