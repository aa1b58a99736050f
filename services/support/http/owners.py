"""Calls to the owners of what support does not keep."""

import contextlib
from collections.abc import Iterator

import msgspec

from services.chassis.problems import NotReadyYet
from services.chassis.rpc.channel import CallFailed


@contextlib.contextmanager
def answered_by(owner: str) -> Iterator[None]:
    """Raise NotReadyYet where an owner does not answer a call in the block."""
    try:
        yield
    except (CallFailed, msgspec.DecodeError) as error:
        raise NotReadyYet(f"{owner} did not answer") from error
