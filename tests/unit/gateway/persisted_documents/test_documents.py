"""Resolution of requests to documents, by kind of caller."""

from collections.abc import Coroutine
from typing import Any

import pytest

from gateway.errors import RequestError
from gateway.persisted_documents import ids
from gateway.persisted_documents.automatic_documents import AutomaticDocuments
from gateway.persisted_documents.documents import PersistedDocuments
from gateway.persisted_documents.errors import (
    DocumentNotFound,
    DocumentNotTrusted,
    HashMismatch,
    MalformedReference,
    MissingDocument,
    PersistedDocumentsNotSupported,
)
from gateway.persisted_documents.redis_cache import MAX_BYTES
from gateway.persisted_documents.trusted_documents import TrustedDocuments
from services.chassis.runtime.settings import InvalidSettings
from services.contracts.identity.people import Language
from services.contracts.permission import SubjectKind

USER, PARTNER, STRANGER = SubjectKind.USER, SubjectKind.PARTNER, None
OURS = "query Ours { me { id } }"
OLD = "query Old { me { username } }"
ANY = "{ me { __typename } }"
TRUSTED = TrustedDocuments({ids.id_of(OURS): OURS, "old-1": OLD})

DocumentParameters = tuple[str | None, str | None, dict[str, Any] | None]


def apollo(text: str, **changed: Any) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": ids.hash_of(text), **changed}}


async def resolve(documents: PersistedDocuments, sent: DocumentParameters, kind: SubjectKind | None = USER) -> str:
    text = documents.resolve(*sent, kind)
    return text if isinstance(text, str) else await text


async def test_a_document_without_an_id_is_returned_as_sent() -> None:
    for documents in (PersistedDocuments(), PersistedDocuments(TRUSTED, (), AutomaticDocuments())):
        assert documents.resolve(ANY, None, None, STRANGER) is ANY
        assert documents.resolve(ANY, None, {}, STRANGER) is ANY
        assert documents.resolve(ANY, None, {"persistedQuery": None}, STRANGER) is ANY


@pytest.mark.parametrize(
    "sent",
    [
        (None, ids.id_of(OURS), None),
        (None, ids.hash_of(OURS), None),
        (None, None, apollo(OURS)),
        (None, None, apollo(OURS, sha256Hash=ids.id_of(OURS))),
        (None, ids.id_of(OURS), apollo(OURS)),
        ("", None, apollo(OURS)),
        (OURS, None, apollo(OURS)),
        (OURS, ids.id_of(OURS), None),
        (OURS, None, None),
    ],
)
@pytest.mark.parametrize("trusted_only", [(), ("USER",)])
async def test_a_trusted_document_is_found_by_any_reference(
    sent: DocumentParameters, trusted_only: tuple[Any, ...]
) -> None:
    assert await resolve(PersistedDocuments(TRUSTED, trusted_only), sent) == OURS


async def test_a_custom_id() -> None:
    documents = PersistedDocuments(TRUSTED, ["USER"])
    assert await resolve(documents, (None, "old-1", None)) == OLD
    assert await resolve(documents, (OLD, "old-1", None)) == OLD
    assert await resolve(documents, (OLD, None, apollo(OLD))) == OLD
    with pytest.raises(HashMismatch):
        documents.resolve(OURS, "old-1", None, USER)


@pytest.mark.parametrize("sent", [(ANY, None, None), (ANY, ids.id_of(ANY), None), (ANY, None, apollo(ANY))])
async def test_restricted_callers_execute_trusted_documents_only(sent: DocumentParameters) -> None:
    documents = PersistedDocuments(TRUSTED, ["USER", "STRANGER"], AutomaticDocuments())
    for kind in (USER, STRANGER):
        with pytest.raises(DocumentNotTrusted) as raised:
            documents.resolve(*sent, kind)
        assert (raised.value.status, raised.value.code) == (403, "DOCUMENT_NOT_TRUSTED")
    assert await resolve(documents, sent, PARTNER) == ANY


async def test_automatic_documents_are_not_trusted() -> None:
    documents = PersistedDocuments(TRUSTED, ["USER"], AutomaticDocuments())
    documents.store(ANY, None, apollo(ANY))
    assert await resolve(documents, (None, None, apollo(ANY)), PARTNER) == ANY
    with pytest.raises(DocumentNotFound):
        documents.resolve(None, None, apollo(ANY), USER)


async def test_a_hash_is_resolved_once_its_document_is_registered() -> None:
    documents = PersistedDocuments(automatic=AutomaticDocuments())
    with pytest.raises(DocumentNotFound) as raised:
        await resolve(documents, (None, None, apollo(ANY)))
    assert raised.value.code == "PERSISTED_QUERY_NOT_FOUND"
    assert [raised.value.formatted_errors(language)[0]["message"] for language in Language] == [
        "PersistedQueryNotFound"
    ] * 4
    assert documents.resolve(ANY, None, apollo(ANY), USER) == ANY
    with pytest.raises(DocumentNotFound):  # the document was not stored as valid
        await resolve(documents, (None, None, apollo(ANY)))
    documents.store(ANY, None, apollo(ANY))
    assert documents.resolve(None, None, apollo(ANY), STRANGER) == ANY
    assert documents.resolve(None, ids.id_of(ANY), None, STRANGER) == ANY


async def test_only_documents_sent_with_an_id_are_registered() -> None:
    documents = PersistedDocuments(TRUSTED, (), AutomaticDocuments())
    documents.store(ANY, None, None)
    documents.store(ANY, None, {"other": 1})
    documents.store(None, ids.id_of(ANY), None)
    with pytest.raises(DocumentNotFound):
        await resolve(documents, (None, ids.id_of(ANY), None))
    documents.store(ANY, ids.id_of(ANY), None)
    assert await resolve(documents, (None, ids.id_of(ANY), None)) == ANY


async def test_a_document_is_registered_by_its_own_hash() -> None:
    automatic = AutomaticDocuments()
    PersistedDocuments(automatic=automatic).store(ANY, None, apollo(OURS))
    assert automatic.find_local(ids.hash_of(OURS)) is None
    assert automatic.find_local(ids.hash_of(ANY)) == ANY


async def test_a_large_document_is_not_registered() -> None:
    automatic = AutomaticDocuments()
    fitting, larger = ANY.ljust(MAX_BYTES), ANY.ljust(MAX_BYTES + 1)
    for text in (fitting, larger):
        automatic.store(text)
    assert automatic.find_local(ids.hash_of(fitting)) == fitting
    assert automatic.find_local(ids.hash_of(larger)) is None


@pytest.mark.parametrize("automatic", [None, AutomaticDocuments()])
@pytest.mark.parametrize("sent", [(ANY, None, apollo(OURS)), (ANY, ids.id_of(OURS), None), (ANY, "mine", None)])
async def test_the_hash_of_another_document_is_refused(
    sent: DocumentParameters, automatic: AutomaticDocuments | None
) -> None:
    for documents in (PersistedDocuments(automatic=automatic), PersistedDocuments(TRUSTED, (), automatic)):
        with pytest.raises(HashMismatch) as raised:
            documents.resolve(*sent, USER)
        assert raised.value.status == 400


async def test_clients_learn_that_there_are_no_persisted_documents() -> None:
    with pytest.raises(PersistedDocumentsNotSupported) as raised:
        PersistedDocuments().resolve(None, None, apollo(ANY), USER)
    assert raised.value.code == "PERSISTED_QUERY_NOT_SUPPORTED"
    assert [raised.value.formatted_errors(language)[0]["message"] for language in Language] == [
        "PersistedQueryNotSupported"
    ] * 4
    assert await resolve(PersistedDocuments(), (ANY, None, apollo(ANY))) == ANY
    with pytest.raises(DocumentNotFound):
        PersistedDocuments(TRUSTED).resolve(None, None, apollo(ANY), USER)


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ((None, None, None), MissingDocument),
        ((None, None, {}), MissingDocument),
        ((None, None, {"persistedQuery": None}), MissingDocument),
        ((None, None, {"persistedQuery": "text"}), MalformedReference),
        ((None, None, {"persistedQuery": []}), MalformedReference),
        ((None, None, {"persistedQuery": {}}), MalformedReference),
        ((ANY, None, apollo(ANY, version=2)), MalformedReference),
        ((None, None, apollo(ANY, sha256Hash=1)), MalformedReference),
        ((None, ids.id_of(OURS), apollo(ANY)), MalformedReference),
        ((None, "", None), DocumentNotFound),
        ((None, "sha256:", None), DocumentNotFound),
        ((None, "sha256:" + ids.hash_of(ANY).upper(), None), DocumentNotFound),
        ((None, "\ud800" * 100_000, None), DocumentNotFound),
        (("\ud800", ids.hash_of(ANY), None), HashMismatch),
    ],
)
async def test_malformed_and_unknown_references_are_refused(
    sent: DocumentParameters, error: type[RequestError]
) -> None:
    with pytest.raises(error):
        await resolve(PersistedDocuments(automatic=AutomaticDocuments()), sent)


async def test_a_restriction_without_trusted_documents_is_invalid() -> None:
    with pytest.raises(InvalidSettings):
        PersistedDocuments(trusted_only=["PARTNER"])
    with pytest.raises(InvalidSettings):
        PersistedDocuments(TrustedDocuments({}), ["PARTNER"])


async def test_only_documents_that_may_be_in_redis_are_awaited() -> None:
    documents = PersistedDocuments(TRUSTED, (), AutomaticDocuments())
    resolution = documents.resolve(None, None, apollo(ANY), USER)
    assert isinstance(resolution, Coroutine)
    resolution.close()
    assert isinstance(documents.resolve(None, None, apollo(OURS), USER), str)
