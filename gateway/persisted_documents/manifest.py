"""Manifests: files with the texts of operations, each under its id.

Written is Apollo's form (``apollo-persisted-query-manifest``, version 1), with ids of GraphQL over HTTP. Read is that,
whoever made it, and Relay's: an object of texts by their ids.
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
    """A manifest can't be read, or is not what it says; the text names the file and every place in it."""


class ManifestOperation(msgspec.Struct, frozen=True):
    """An operation with the fragments that it needs. ``type``: query, mutation or subscription."""

    id: str
    name: str
    type: str
    body: str


class ManifestEntry(msgspec.Struct, frozen=True):
    """A text in a manifest. ``place`` is where it stands."""

    location: str
    id: str
    text: str


class _Manifest(msgspec.Struct, frozen=True):
    format: str
    version: int
    operations: list[ManifestOperation]


def encode_manifest(operations: Iterable[ManifestOperation]) -> bytes:
    """The manifest of these operations, in the order of their names: a comparison shows what changed."""
    manifest = _Manifest(_FORMAT, _VERSION, sorted(operations, key=attrgetter("name", "type", "id")))
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def read_manifest(path: Path) -> list[ManifestEntry]:
    """The texts of a manifest, each looked at: its id is its hash, or a name of its own that no other has."""
    try:
        entries = _entries(msgspec.json.decode(path.read_bytes()))
    except OSError as error:
        raise InvalidManifest(f"{path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidManifest(f"{path}: {error}") from None
    complaints: list[str] = []
    texts: dict[str, str] = {}
    for entry in entries:
        problem = ids.id_error(entry.id, entry.text)
        if problem is None and texts.setdefault(ids.lookup_key(entry.id), entry.text) != entry.text:
            problem = "another text has the same id"
        if problem is not None:
            complaints.append(f"{path}: {entry.location}: {problem}")
    if complaints:
        raise InvalidManifest("\n".join(complaints))
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
