"""Why a request that names a document, or sends one, is not taken. Nothing is executed then.

Clients that register texts by themselves (Apollo's protocol) look for the code, some of them for the message, which is
therefore the same in every language, and some only in answers with status 200.
"""

from gateway.errors import OperationError, RequestError


class MissingDocument(RequestError):
    """The request neither sends a document nor names one."""

    def __init__(self) -> None:
        super().__init__(400, "INVALID_REQUEST", expected="the text of an operation, or its id", path=["query"])


class MalformedReference(RequestError):
    """``extensions.persistedQuery`` has no valid form, or names another document than ``documentId`` does."""

    def __init__(self) -> None:
        expected = "version 1 and sha256Hash, the same as documentId"
        super().__init__(400, "INVALID_REQUEST", expected=expected, path=["extensions", "persistedQuery"])


class DocumentNotFound(OperationError):
    """Nobody knows a document of this id (any more): Apollo's clients send the text with their next attempt."""

    def __init__(self) -> None:
        super().__init__(404, "PERSISTED_QUERY_NOT_FOUND")


class PersistedDocumentsNotSupported(OperationError):
    """Documents can't be named here: Apollo's clients go on without."""

    def __init__(self) -> None:
        super().__init__(400, "PERSISTED_QUERY_NOT_SUPPORTED")


class HashMismatch(OperationError):
    """The text that was sent is not that of the id sent with it."""

    def __init__(self) -> None:
        super().__init__(400, "PERSISTED_QUERY_MISMATCH")


class DocumentNotTrusted(OperationError):
    """This caller is held to trusted documents, and the text is none of them."""

    def __init__(self) -> None:
        super().__init__(403, "DOCUMENT_NOT_TRUSTED")
