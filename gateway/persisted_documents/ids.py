"""Identifiers of documents (GraphQL over HTTP, appendix A, "Identifying a Document").

The usual id is ``sha256:`` and the hash of the text. Apollo's clients send the hash alone, which is the same id here.
"""

import hashlib
import re

_PREFIX = "sha256:"
_HASH = re.compile(r"[0-9a-f]{64}")
_UNRESERVED = r"[A-Za-z0-9._~-]+"
_CUSTOM_ID = re.compile(rf"{_UNRESERVED}|x-{_UNRESERVED}:{_UNRESERVED}")


def hash_of(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, as 64 lower-case hexadecimal digits."""
    # JSON may contain a lone surrogate. A text with one is not valid, but that is for the parser to find.
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def id_of(text: str) -> str:
    """Return the id of a text: ``sha256:`` and its hash."""
    return _PREFIX + hash_of(text)


def lookup_key(document_id: str) -> str:
    """Return the key under which an id is looked up: without the prefix ``sha256:``."""
    return document_id.removeprefix(_PREFIX)


def is_hash(document_id: str) -> bool:
    """Return whether an id without prefix is a hash."""
    return _HASH.fullmatch(document_id) is not None


def id_error(document_id: str, text: str) -> str | None:
    """Return the error in an id for a text; None if there is none. An id that is not a hash may have any text."""
    key = lookup_key(document_id)
    if is_hash(key):
        return None if hash_of(text) == key else "the id is not the SHA-256 of the text"
    if key != document_id or not _CUSTOM_ID.fullmatch(document_id):
        return "this is no id of a document"
    return None
