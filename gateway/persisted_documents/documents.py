"""Resolution of a request's parameters to the text of its document."""

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
from services.contracts.permission import SubjectKind

CallerKind = Literal["USER", "STAFF", "PARTNER", "STRANGER"]
"""Kinds of callers in the setting ``trusted_only``: kinds of subjects, and callers without a token."""

_VERSION = 1
_TRUSTED = PERSISTED_DOCUMENTS.labels("trusted")
_MEMORY = PERSISTED_DOCUMENTS.labels("memory")
_REDIS = PERSISTED_DOCUMENTS.labels("redis")
_NOT_FOUND = PERSISTED_DOCUMENTS.labels("nowhere")


class PersistedDocuments:
    """The persisted documents, and the restriction of callers to trusted ones.

    Callers of the kinds in ``trusted_only`` may execute trusted documents only. Without ``automatic``, clients can't
    register documents. InvalidSettings if callers are restricted to trusted documents and there are none.
    """

    def __init__(
        self,
        trusted: TrustedDocuments | None = None,
        trusted_only: Iterable[CallerKind] = (),
        automatic: AutomaticDocuments | None = None,
    ) -> None:
        self._trusted = trusted or TrustedDocuments({})
        self._trusted_only = frozenset(None if kind == "STRANGER" else SubjectKind(kind) for kind in trusted_only)
        self._automatic = automatic
        if self._trusted_only and not self._trusted:
            raise InvalidSettings("callers are restricted to trusted documents, and no manifest has any")

    def resolve(
        self,
        query: str | None,
        document_id: str | None,
        extensions: Mapping[str, Any] | None,
        kind: SubjectKind | None,
    ) -> str | Coroutine[Any, Any, str]:
        """Return the text of a request's document, or a coroutine of it if the text may be in Redis only.

        ``query``, ``document_id`` and ``extensions`` are the request's, ``kind`` is the caller's (None: without a
        token). One of this package's errors is raised, at once or by the coroutine, if the document is unknown or the
        caller may not execute it.
        """
        requested_id = document_id if extensions is None else _requested_id(document_id, extensions)
        if requested_id is not None:
            return self._resolve_id(query, requested_id, kind)
        if query is None:
            raise MissingDocument
        if self._trusted_only and kind in self._trusted_only and not self._trusted.trusts(query):
            raise DocumentNotTrusted
        return query

    def store(self, query: str | None, document_id: str | None, extensions: Mapping[str, Any] | None) -> None:
        """Register a document that was sent with its id. Call it after ``resolve``, for valid documents only."""
        if self._automatic is None or not query or self._trusted.trusts(query):
            return
        if (document_id if extensions is None else _requested_id(document_id, extensions)) is not None:
            self._automatic.store(query)

    def _resolve_id(
        self, query: str | None, requested_id: str, kind: SubjectKind | None
    ) -> str | Coroutine[Any, Any, str]:
        text = self._trusted.text(requested_id)
        if text is not None:
            if query and query != text:
                raise HashMismatch
            _TRUSTED.inc()
            return text
        digest = ids.lookup_key(requested_id)
        is_restricted = kind in self._trusted_only
        if query:
            if ids.hash_of(query) != digest:
                raise HashMismatch
            if is_restricted and not self._trusted.trusts(query):
                raise DocumentNotTrusted
            return query
        if self._automatic is None or is_restricted:
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
    """Return the id in a request: ``documentId``, or the hash of Apollo's automatic persisted queries."""
    reference = extensions.get("persistedQuery")
    if reference is None:
        return document_id
    if not isinstance(reference, dict) or reference.get("version") != _VERSION:
        raise MalformedReference
    digest = reference.get("sha256Hash")
    if not isinstance(digest, str) or (
        document_id is not None and ids.lookup_key(document_id) != ids.lookup_key(digest)
    ):
        raise MalformedReference
    return digest
