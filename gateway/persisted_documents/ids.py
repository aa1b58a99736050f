"""Ids of documents (GraphQL over HTTP, appendix A, "Identifying a Document").

The usual id is ``sha256:`` and the hash of the text. Apollo's clients say the hash alone; here both are the same id.
"""

import hashlib
import re

_PREFIX = "sha256:"
_HASH = re.compile(r"[0-9a-f]{64}")
_UNRESERVED = r"[A-Za-z0-9._~-]+"
_CUSTOM_ID = re.compile(rf"{_UNRESERVED}|x-{_UNRESERVED}:{_UNRESERVED}")


def hash_of(text: str) -> str:
    """The SHA-256 of a text in UTF-8, as 64 lower-case hexadecimal digits."""
    # Half a surrogate pair can stand in JSON; no text with one is valid, but it is others who say so.
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def id_of(text: str) -> str:
    """The id of a text: ``sha256:`` and its hash."""
    return _PREFIX + hash_of(text)


def lookup_key(document_id: str) -> str:
    """An id as it is looked up: a hash without its prefix, any other as it is."""
    return document_id.removeprefix(_PREFIX)


def is_hash(document_id: str) -> bool:
    """Whether a bare id is a hash."""
    return _HASH.fullmatch(document_id) is not None


def id_error(document_id: str, text: str) -> str | None:
    """What is wrong with this id for this text; None if nothing is. Ids that are no hash mean what they are told to."""
    name = lookup_key(document_id)
    if is_hash(name):
        return None if hash_of(text) == name else "the id is not the SHA-256 of the text"
    if name != document_id or not _CUSTOM_ID.fullmatch(document_id):
        return "this is no id of a document"
    return None
