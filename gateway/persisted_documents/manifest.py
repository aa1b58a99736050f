"""Manifests: JSON files with the texts of operations by their ids.

A manifest is written in Apollo's format (``apollo-persisted-query-manifest``, version 1), with the ids of GraphQL over
HTTP. Apollo's format and Relay's, an object of texts by id, can be read.
"""

from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from gateway.persisted_documents import ids
from services.chassis.runtime.settings import InvalidSettings

_FORMAT = "apollo-persisted-query-manifest"
_VERSION = 1


class InvalidManifest(InvalidSettings):
    """A manifest can't be read or is not valid; the message has the file and all locations of errors."""


class ManifestOperation(msgspec.Struct, frozen=True):
    """An operation with the fragments that it uses."""

    id: str
    name: str
    type: str
    """``query``, ``mutation`` or ``subscription``."""
    body: str


class ManifestEntry(msgspec.Struct, frozen=True):
    """A text in a manifest."""

    location: str
    """A JSON path, with the operation's name in Apollo's format."""
    id: str
    text: str


class _Manifest(msgspec.Struct, frozen=True):
    format: str
    version: int
    operations: list[ManifestOperation]


def encode_manifest(operations: Iterable[ManifestOperation]) -> bytes:
    """Encode a manifest of operations, sorted by name so that a diff shows the changes."""
    manifest = _Manifest(_FORMAT, _VERSION, sorted(operations, key=attrgetter("name", "type", "id")))
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def read_manifest(path: Path) -> list[ManifestEntry]:
    """Read the texts of a manifest and check that each id is the text's hash, or a unique custom id."""
    try:
        entries = _entries(msgspec.json.decode(path.read_bytes()))
    except OSError as error:
        raise InvalidManifest(f"{path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidManifest(f"{path}: {error}") from None
    errors: list[str] = []
    texts: dict[str, str] = {}
    for entry in entries:
        reason = ids.id_error(entry.id, entry.text)
        if reason is None and texts.setdefault(ids.lookup_key(entry.id), entry.text) != entry.text:
            reason = "another text has the same id"
        if reason is not None:
            errors.append(f"{path}: {entry.location}: {reason}")
    if errors:
        raise InvalidManifest("\n".join(errors))
    return entries


def _entries(loaded: Any) -> list[ManifestEntry]:
    if not (isinstance(loaded, dict) and "format" in loaded):
        texts = msgspec.convert(loaded, dict[str, str])
        return [ManifestEntry(f"$[{key!r}]", key, text) for key, text in texts.items()]
    manifest = msgspec.convert(loaded, _Manifest)
    if (manifest.format, manifest.version) != (_FORMAT, _VERSION):
        raise msgspec.ValidationError(f"Expected {_FORMAT}, version {_VERSION} - at `$.format`")
    return [
        ManifestEntry(f"$.operations[{at}] ({one.name})", one.id, one.body)
        for at, one in enumerate(manifest.operations)
    ]
