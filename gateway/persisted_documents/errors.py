"""Errors of requests whose document can't be resolved or executed.

Clients with automatic persisted queries (Apollo) check the code. Some check the message instead, which is therefore the
same in every language, and some only in responses with status 200.
"""

from gateway.errors import OperationError, RequestError


class MissingDocument(RequestError):
    """The request has neither a document nor an id."""

    def __init__(self) -> None:
        super().__init__(400, "INVALID_REQUEST", expected="the text of an operation, or its id", path=["query"])


class MalformedReference(RequestError):
    """``extensions.persistedQuery`` is malformed, or its hash is not that of ``documentId``."""

    def __init__(self) -> None:
        expected = "version 1 and sha256Hash, the same as documentId"
        super().__init__(400, "INVALID_REQUEST", expected=expected, path=["extensions", "persistedQuery"])


class DocumentNotFound(OperationError):
    """No document has this id (any more). Apollo's clients then retry with the text."""

    def __init__(self) -> None:
        super().__init__(404, "PERSISTED_QUERY_NOT_FOUND")


class PersistedDocumentsNotSupported(OperationError):
    """The gateway has no persisted documents. Apollo's clients then stop sending ids."""

    def __init__(self) -> None:
        super().__init__(400, "PERSISTED_QUERY_NOT_SUPPORTED")


class HashMismatch(OperationError):
    """The document that was sent does not have the id that was sent with it."""

    def __init__(self) -> None:
        super().__init__(400, "PERSISTED_QUERY_MISMATCH")


class DocumentNotTrusted(OperationError):
    """The caller may execute trusted documents only, and the document is not trusted."""

    def __init__(self) -> None:
        super().__init__(403, "DOCUMENT_NOT_TRUSTED")
