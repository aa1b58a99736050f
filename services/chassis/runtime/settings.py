"""Settings from the environment, validated at the start with all errors reported together.

A settings class is a msgspec Struct; the field ``database_url`` of the prefix ``KIERTO_ORDERS_`` is read from
``KIERTO_ORDERS_DATABASE_URL``, or, where several processes share it, from ``KIERTO_DATABASE_URL``.
"""

import enum
import os
import sys
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from services.contracts.imports import FieldLead


class Environment(enum.Enum):
    """Kind of deployment. The clock can be moved, and developers' pages are served, only outside production."""

    PRODUCTION = "production"
    DEVELOPMENT = "development"
    TEST = "test"


class SpanExport(enum.Enum):
    """Destination of a process's OpenTelemetry spans; ``otlp`` needs the extra ``telemetry``."""

    OFF = "off"
    OTLP = "otlp"


class InvalidSettings(Exception):
    """One or more settings are missing or wrong; the text names each and the expected form."""


class SocketAddress(msgspec.Struct, frozen=True):
    """Host and port to listen on or to connect to."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "SocketAddress":
        host, separator, port = text.rpartition(":")
        if not separator or not host or not port.isdecimal() or int(port) > 65535:
            raise ValueError("expected HOST:PORT")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Letterhead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The operator's name, address and logo, as mail and PDF show them."""

    name: str = "Kierto"
    address: list[str] = []
    """Its lines."""
    logo: str = ""
    """The path of an SVG, PNG or JPEG file for PDF; empty for none."""

    def __post_init__(self) -> None:
        if self.logo and Path(self.logo).suffix not in (".svg", ".png", ".jpg"):
            raise ValueError("the logo should be a file .svg, .png or .jpg")
        if self.logo and not Path(self.logo).is_file():
            raise ValueError(f"there is no file {self.logo}")


class ProcessSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of every process."""

    env: Environment = Environment.PRODUCTION
    listen: SocketAddress
    metrics_listen: SocketAddress = SocketAddress("127.0.0.1", 0)
    """The operator's port, with metrics and named checks; by default a free port of the loopback, which is logged."""
    time_zone: str = "Europe/Helsinki"
    clock_file: Path | None = None
    slot: int = 1
    """Number of this replica among those of one process (1, 2, ...)."""
    log_level: str = "INFO"
    traces: SpanExport = SpanExport.OFF
    traces_endpoint: str = "http://127.0.0.1:4318/v1/traces"
    """The collector's address for OTLP over HTTP."""
    traces_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.01
    """Part of the traces without a sampling decision that are sampled."""


class ServiceSettings(ProcessSettings, frozen=True, kw_only=True):
    """Settings of every service's process."""

    database_url: str
    kafka: str
    identity_url: str
    service_secret: str = ""
    """The service's own credential at identity."""
    key_ring_file: Path | None = None
    """The file of the keys that seal the service's secrets; required where it has sealed columns."""
    files_url: str = ""
    """The store of the service's files: ``file:///FOLDER`` or ``s3://BUCKET/PREFIX``; required where it has files."""
    files_key: str = ""
    """The key of links to the service's files: random bytes in base64; required where it has files."""
    smtp: SocketAddress | None = None
    mail_from: str = "Kierto <no-reply@kierto.invalid>"
    letterhead: Letterhead = Letterhead()
    import_leads: dict[str, dict[str, FieldLead]] = {}
    """By kind of file and field, whose value stands if a file and a customer changed it (as JSON); the file's else."""


S = TypeVar("S", bound=msgspec.Struct)


def load(kind: type[S], service: str = "", environment: Mapping[str, str] | None = None) -> S:
    """Read settings of a kind; raise InvalidSettings that names every variable that is missing or wrong."""
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    problems: list[str] = []
    for field in msgspec.structs.fields(kind):
        own = f"KIERTO_{service.upper()}_{field.name.upper()}" if service else ""
        shared = f"KIERTO_{field.name.upper()}"
        name = own if own in environment else shared
        text = environment.get(name, "").strip()
        if not text:
            if field.required:
                problems.append(f"{own or shared} is missing (expected {_expected(field.type)})")
            continue
        try:
            values[field.name] = _convert(text, field.type)
        except (ValueError, msgspec.ValidationError) as error:
            problems.append(f"{name} is wrong: {error}")
    if problems:
        raise InvalidSettings("\n".join(problems))
    settings = kind(**values)
    if isinstance(settings, ProcessSettings) and settings.env is Environment.PRODUCTION and settings.clock_file:
        raise InvalidSettings("KIERTO_CLOCK_FILE moves the clock, which production does not allow: remove it")
    return settings


def load_or_exit(kind: type[S], service: str = "") -> S:
    """Read settings at a process's start; report invalid ones on standard error and exit with code 2."""
    try:
        return load(kind, service)
    except InvalidSettings as error:
        sys.stderr.write(f"{service or 'the process'} can't start:\n{error}\n")
        raise SystemExit(2) from None


def _convert(text: str, kind: Any) -> Any:
    choices = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if SocketAddress in choices:
        return SocketAddress.parse(text)
    if any(typing.get_origin(choice) in (dict, list) or _is_struct(choice) for choice in choices):
        return msgspec.json.decode(text, type=kind)
    return msgspec.convert(text, kind, strict=False, dec_hook=_parse)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _parse(kind: type, text: Any) -> Any:
    if kind is Path:
        return Path(text)
    raise ValueError(f"can't be read as {kind}")


def _expected(kind: Any) -> str:
    return {"SocketAddress": "HOST:PORT", "int": "a whole number", "Path": "a path"}.get(
        getattr(kind, "__name__", ""), "text"
    )
