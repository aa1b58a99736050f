"""The payload of a job, its handler, and the outcomes that a handler can raise."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of a job: ids alone, since a job reads the state and the permission of the time at which it runs.

    A job is declared with a tag, its name: ``class SendMail(Job, frozen=True, kw_only=True, tag="send-mail")``.
    """


J = TypeVar("J", bound=Job)


def name_of(job: Job | type[Job]) -> str:
    """Return the name of a job."""
    name = job.__struct_config__.tag
    assert isinstance(name, str), "a job is declared with a tag"
    return name


class JobRun(msgspec.Struct, frozen=True):
    """One run of a job."""

    attempt: int
    """1 for the first run."""
    stop: asyncio.Event
    """Set when the process stops: a long job ends between two steps by raising RunAgain."""


class JobHandler(msgspec.Struct, Generic[J], frozen=True):
    """The function that runs a kind of job.

    A job can run twice, also at the same time (its process died before the completion was stored, or was frozen). So it
    locks its subject, and stores its result together with the domain's mark that it is done. For an effect outside the
    database, the mark follows the effect.
    """

    kind: type[J]
    run: Callable[[J, JobRun], Awaitable[None]]
    concurrency: int = 0
    """The number of jobs of this kind that run at the same time in all processes; 0 for no limit of its own."""
    held: bool = True
    """Whether a job that has failed too often is kept for staff; a recurring one comes again by itself."""


AnyJobHandler = JobHandler[Any]


class RunAgain(Exception):
    """The job is to run again: it has not failed, but waits for something, or its process stops."""

    def __init__(self, delay_s: float = 0) -> None:
        super().__init__("the job runs again")
        self.delay_s = delay_s
