"""Operation texts that were parsed and found valid once: clients send the same few again and again.

Reading and validating a text costs more than executing a small operation. What is kept is bounded in texts and in
bytes; a text that is not valid is not kept, so nobody fills the cache with nonsense but by writing real operations.
"""

from collections import OrderedDict
from collections.abc import Iterator

from graphql import DocumentNode
from strawberry.extensions import SchemaExtension

MOST_TEXTS = 1000
MOST_BYTES = 1_000_000
_LARGEST = 50_000
"""Characters of a text that is kept: a larger one is one person's own, or an attempt."""


class Documents:
    """Valid documents by their text; the one that was not asked for longest goes first."""

    def __init__(self, most_texts: int = MOST_TEXTS, most_bytes: int = MOST_BYTES) -> None:
        self._most_texts = most_texts
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, DocumentNode] = OrderedDict()
        self.bytes = 0
        """Of the texts that are kept."""

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, text: str) -> DocumentNode | None:
        """The document of a text, if it is kept."""
        document = self._kept.get(text)
        if document is not None:
            self._kept.move_to_end(text)
        return document

    def keep(self, text: str, document: DocumentNode) -> None:
        """Keep a valid document, and let go of others where it is too much."""
        if len(text) > _LARGEST or text in self._kept:
            return
        self._kept[text] = document
        self.bytes += len(text.encode())
        while len(self._kept) > self._most_texts or self.bytes > self._most_bytes:
            oldest, _ = self._kept.popitem(last=False)
            self.bytes -= len(oldest.encode())


class KnownDocuments(SchemaExtension):
    """Spares a text that is known to be valid the reading and the validation. ``documents`` is of one schema."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._known = False

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        document = self._documents.find(context.query or "")
        self._known = document is not None
        if document is not None:
            context.graphql_document = document
        yield

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        if self._known:
            context.pre_execution_errors = []
        yield
        if not (self._known or context.pre_execution_errors) and context.query and context.graphql_document:
            self._documents.keep(context.query, context.graphql_document)
