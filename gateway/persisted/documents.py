"""From what a request says to the text that it means, whether it sends the text or names it."""

from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, Literal

from gateway.persisted import ids
from gateway.persisted.automatic import AutomaticDocuments
from gateway.persisted.refusals import (
    MalformedReference,
    NoDocument,
    NotTrusted,
    PersistedOff,
    UnknownDocument,
    WrongHash,
)
from gateway.persisted.trusted import TrustedDocuments
from services.chassis.metrics import NAMED_DOCUMENTS
from services.chassis.settings import WrongSettings
from services.contracts.identity import SubjectKind

Held = Literal["USER", "STAFF", "PARTNER", "STRANGER"]
"""Whom a setting can hold to trusted documents: subjects by their kind, and those without a token."""

_VERSION = 1
_TRUSTED = NAMED_DOCUMENTS.labels("trusted")
_MEMORY = NAMED_DOCUMENTS.labels("memory")
_REDIS = NAMED_DOCUMENTS.labels("redis")
_NOWHERE = NAMED_DOCUMENTS.labels("nowhere")


class PersistedDocuments:
    """The documents that may be named here, and who must name one.

    ``held`` callers may execute trusted documents only, named or sent. Without ``automatic`` nothing can be
    registered. WrongSettings if someone is held to trusted documents and there are none.
    """

    def __init__(
        self,
        trusted: TrustedDocuments | None = None,
        held: Iterable[Held] = (),
        automatic: AutomaticDocuments | None = None,
    ) -> None:
        self._trusted = trusted or TrustedDocuments({})
        self._held = frozenset(None if kind == "STRANGER" else SubjectKind(kind) for kind in held)
        self._automatic = automatic
        if self._held and not self._trusted:
            raise WrongSettings("callers are held to trusted documents, and no manifest holds any")

    def resolve(
        self,
        query: str | None,
        document_id: str | None,
        extensions: Mapping[str, Any] | None,
        kind: SubjectKind | None,
    ) -> str | Coroutine[Any, Any, str]:
        """The text that a request means; something to await where only another gateway may know it.

        ``query``, ``document_id`` and ``extensions`` are the request's, ``kind`` is the caller's (None: a stranger). A
        Refused, at once or from the coroutine, if the caller can't have the document.
        """
        name = document_id if extensions is None else _named(document_id, extensions)
        if name is not None:
            return self._resolve_named(query, name, kind)
        if query is None:
            raise NoDocument
        if self._held and kind in self._held and not self._trusted.trusts(query):
            raise NotTrusted
        return query

    def keep(self, query: str | None, document_id: str | None, extensions: Mapping[str, Any] | None) -> None:
        """Register what a request has sent with its id, if it has: after ``resolve``, and once it was found valid."""
        if self._automatic is None or not query or self._trusted.trusts(query):
            return
        if (document_id if extensions is None else _named(document_id, extensions)) is not None:
            self._automatic.keep(query)

    def _resolve_named(self, query: str | None, name: str, kind: SubjectKind | None) -> str | Coroutine[Any, Any, str]:
        text = self._trusted.text(name)
        if text is not None:
            if query and query != text:
                raise WrongHash
            _TRUSTED.inc()
            return text
        digest = ids.bare(name)
        is_held = kind in self._held
        if query:
            if ids.hash_of(query) != digest:
                raise WrongHash
            if is_held and not self._trusted.trusts(query):
                raise NotTrusted
            return query
        if self._automatic is None or is_held:
            _NOWHERE.inc()
            raise UnknownDocument if self._trusted else PersistedOff
        text = self._automatic.at_hand(digest)
        if text is None:
            return self._elsewhere(self._automatic, digest)
        _MEMORY.inc()
        return text

    async def _elsewhere(self, automatic: AutomaticDocuments, digest: str) -> str:
        text = await automatic.elsewhere(digest)
        if text is None:
            _NOWHERE.inc()
            raise UnknownDocument
        _REDIS.inc()
        return text


def _named(document_id: str | None, extensions: Mapping[str, Any]) -> str | None:
    """The id that a request names its document by: its own parameter, or that of Apollo's protocol."""
    asked = extensions.get("persistedQuery")
    if asked is None:
        return document_id
    if not isinstance(asked, dict) or asked.get("version") != _VERSION:
        raise MalformedReference
    digest = asked.get("sha256Hash")
    if not isinstance(digest, str) or (document_id is not None and ids.bare(document_id) != ids.bare(digest)):
        raise MalformedReference
    return digest
