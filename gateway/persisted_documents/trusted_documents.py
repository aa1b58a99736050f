"""Trusted documents: the texts of a manifest, held in memory as long as the process lives."""

from collections.abc import Mapping
from pathlib import Path

from gateway.persisted_documents import ids, manifest


class TrustedDocuments:
    """Texts that are known to come from our clients, by their ids."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._by_id = {ids.lookup_key(document_id): text for document_id, text in texts.items()}
        self._texts = frozenset(self._by_id.values())

    @classmethod
    def load(cls, path: Path) -> "TrustedDocuments":
        """The texts of a manifest; BrokenManifest (a WrongSettings) names the file and what is wrong where."""
        return cls({entry.id: entry.text for entry in manifest.read_manifest(path)})

    def __len__(self) -> int:
        return len(self._by_id)

    def text(self, document_id: str) -> str | None:
        """The text with this id, with or without ``sha256:`` before a hash."""
        return self._by_id.get(ids.lookup_key(document_id))

    def trusts(self, text: str) -> bool:
        """Whether a text is in the manifest, letter by letter: then it is as good as its id."""
        return text in self._texts
