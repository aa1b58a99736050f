"""Cache of texts in the process's memory."""

import sys
from collections import OrderedDict


class MemoryCache:
    """An LRU cache of texts by their hashes, bounded in number and bytes."""

    def __init__(self, max_texts: int = 1000, max_bytes: int = 10_000_000) -> None:
        self._max_texts = max_texts
        self._max_bytes = max_bytes
        self._texts: OrderedDict[str, str] = OrderedDict()
        self.bytes = 0
        """The size of all texts in memory."""

    def __len__(self) -> int:
        return len(self._texts)

    def find(self, digest: str) -> str | None:
        """Return the text with this hash; None if it is not cached."""
        text = self._texts.get(digest)
        if text is not None:
            self._texts.move_to_end(digest)
        return text

    def store(self, digest: str, text: str) -> None:
        """Store a text, and evict the least recently used ones if there is no room."""
        if digest in self._texts:
            return
        self._texts[digest] = text
        self.bytes += sys.getsizeof(text)
        while len(self._texts) > self._max_texts or self.bytes > self._max_bytes:
            _, evicted = self._texts.popitem(last=False)
            self.bytes -= sys.getsizeof(evicted)
