"""Ports: one base for all, and who is in the way is said before anything starts."""

import os
import socket
from collections.abc import Iterator

import pytest

from deploy.local.errors import StackError
from deploy.local.ports import OFFSETS, Ports, free_base, is_free


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_every_listener_has_a_port_of_its_own() -> None:
    assert len(set(OFFSETS.values())) == len(OFFSETS)
    assert Ports(9000).of("gateway") == 9000
    assert Ports(9000).of("orders-relay") == 9033
    assert Ports(9000).of("orders-relay-metrics") == 9038
    assert Ports(9000).url("support-api") == "http://127.0.0.1:9051"


def test_a_taken_port_is_named_with_its_setting_its_holder_and_a_way_out(taken_port: int) -> None:
    ports = Ports(taken_port - OFFSETS["kafka"])

    with pytest.raises(StackError) as problem:
        ports.check(["kafka"])

    assert f"{taken_port} for kafka (KIERTO_PORT_BASE + 84)" in str(problem.value)
    assert f"(pid {os.getpid()})" in str(problem.value)
    assert "KIERTO_PORT_BASE=" in str(problem.value)


def test_what_is_not_asked_for_may_be_taken(taken_port: int) -> None:
    Ports(taken_port - OFFSETS["kafka"]).check([])


def test_a_free_base_is_free(taken_port: int) -> None:
    base = free_base(21000)

    assert all(is_free(base + offset) for offset in OFFSETS.values())
    assert not is_free(taken_port)


@pytest.mark.parametrize("base", [80, 65530])
def test_a_base_outside_of_what_a_user_may_take_is_refused(base: int) -> None:
    with pytest.raises(StackError, match="between 1024 and"):
        Ports(base)
