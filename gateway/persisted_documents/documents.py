"""From what a request says to the text that it means, whether it sends the text or names it."""

from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, Literal

from gateway.persisted_documents import ids
from gateway.persisted_documents.automatic_documents import AutomaticDocuments
from gateway.persisted_documents.errors import (
    DocumentNotFound,
    DocumentNotTrusted,
    HashMismatch,
    MalformedReference,
    MissingDocument,
    PersistedDocumentsNotSupported,
)
from gateway.persisted_documents.trusted_documents import TrustedDocuments
from services.chassis.runtime.settings import InvalidSettings
from services.chassis.telemetry.metrics import PERSISTED_DOCUMENTS
from services.contracts.identity import SubjectKind

CallerKind = Literal["USER", "STAFF", "PARTNER", "STRANGER"]
"""Whom a setting can hold to trusted documents: subjects by their kind, and those without a token."""

_VERSION = 1
_TRUSTED = PERSISTED_DOCUMENTS.labels("trusted")
_MEMORY = PERSISTED_DOCUMENTS.labels("memory")
_REDIS = PERSISTED_DOCUMENTS.labels("redis")
_NOT_FOUND = PERSISTED_DOCUMENTS.labels("nowhere")


class PersistedDocuments:
    """The documents that may be named here, and who must name one.

    ``held`` callers may execute trusted documents only, named or sent. Without ``automatic`` nothing can be
    registered. WrongSettings if someone is held to trusted documents and there are none.
    """

    def __init__(
        self,
        trusted: TrustedDocuments | None = None,
        held: Iterable[CallerKind] = (),
        automatic: AutomaticDocuments | None = None,
    ) -> None:
        self._trusted = trusted or TrustedDocuments({})
        self._trusted_only = frozenset(None if kind == "STRANGER" else SubjectKind(kind) for kind in held)
        self._automatic = automatic
        if self._trusted_only and not self._trusted:
            raise InvalidSettings("callers are held to trusted documents, and no manifest holds any")

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
        name = document_id if extensions is None else _requested_id(document_id, extensions)
        if name is not None:
            return self._resolve_id(query, name, kind)
        if query is None:
            raise MissingDocument
        if self._trusted_only and kind in self._trusted_only and not self._trusted.trusts(query):
            raise DocumentNotTrusted
        return query

    def store(self, query: str | None, document_id: str | None, extensions: Mapping[str, Any] | None) -> None:
        """Register what a request has sent with its id, if it has: after ``resolve``, and once it was found valid."""
        if self._automatic is None or not query or self._trusted.trusts(query):
            return
        if (document_id if extensions is None else _requested_id(document_id, extensions)) is not None:
            self._automatic.store(query)

    def _resolve_id(self, query: str | None, name: str, kind: SubjectKind | None) -> str | Coroutine[Any, Any, str]:
        text = self._trusted.text(name)
        if text is not None:
            if query and query != text:
                raise HashMismatch
            _TRUSTED.inc()
            return text
        digest = ids.lookup_key(name)
        is_held = kind in self._trusted_only
        if query:
            if ids.hash_of(query) != digest:
                raise HashMismatch
            if is_held and not self._trusted.trusts(query):
                raise DocumentNotTrusted
            return query
        if self._automatic is None or is_held:
            _NOT_FOUND.inc()
            raise DocumentNotFound if self._trusted else PersistedDocumentsNotSupported
        text = self._automatic.find_local(digest)
        if text is None:
            return self._find_shared(self._automatic, digest)
        _MEMORY.inc()
        return text

    async def _find_shared(self, automatic: AutomaticDocuments, digest: str) -> str:
        text = await automatic.find_shared(digest)
        if text is None:
            _NOT_FOUND.inc()
            raise DocumentNotFound
        _REDIS.inc()
        return text


def _requested_id(document_id: str | None, extensions: Mapping[str, Any]) -> str | None:
    """The id that a request names its document by: its own parameter, or that of Apollo's protocol."""
    asked = extensions.get("persistedQuery")
    if asked is None:
        return document_id
    if not isinstance(asked, dict) or asked.get("version") != _VERSION:
        raise MalformedReference
    digest = asked.get("sha256Hash")
    if not isinstance(digest, str) or (
        document_id is not None and ids.lookup_key(document_id) != ids.lookup_key(digest)
    ):
        raise MalformedReference
    return digest
