"""Trusted documents: the texts of a manifest, loaded when the process starts."""

from collections.abc import Mapping
from pathlib import Path

from gateway.persisted_documents import ids, manifest


class TrustedDocuments:
    """Texts of Kierto's own clients, by their ids."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._by_id = {ids.lookup_key(document_id): text for document_id, text in texts.items()}
        self._texts = frozenset(self._by_id.values())

    @classmethod
    def load(cls, path: Path) -> "TrustedDocuments":
        """Load the texts of a manifest; InvalidManifest if it is not valid."""
        return cls({entry.id: entry.text for entry in manifest.read_manifest(path)})

    def __len__(self) -> int:
        return len(self._by_id)

    def text(self, document_id: str) -> str | None:
        """Return the text with this id; a hash may have the prefix ``sha256:`` or not."""
        return self._by_id.get(ids.lookup_key(document_id))

    def trusts(self, text: str) -> bool:
        """Return whether exactly this text is in the manifest."""
        return text in self._texts
