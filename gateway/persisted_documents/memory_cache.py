"""Texts in this process's memory, bounded in number and in bytes; the one not asked for longest goes first."""

import sys
from collections import OrderedDict


class MemoryCache:
    """Texts by their hashes."""

    def __init__(self, most_texts: int = 1000, most_bytes: int = 10_000_000) -> None:
        self._max_texts = most_texts
        self._max_bytes = most_bytes
        self._texts: OrderedDict[str, str] = OrderedDict()
        self.bytes = 0
        """What the texts take in memory."""

    def __len__(self) -> int:
        return len(self._texts)

    def find(self, digest: str) -> str | None:
        """The text with this hash, if it is remembered."""
        text = self._texts.get(digest)
        if text is not None:
            self._texts.move_to_end(digest)
        return text

    def store(self, digest: str, text: str) -> None:
        """Remember a text; others may have to go."""
        if digest in self._texts:
            return
        self._texts[digest] = text
        self.bytes += sys.getsizeof(text)
        while len(self._texts) > self._max_texts or self.bytes > self._max_bytes:
            _, gone = self._texts.popitem(last=False)
            self.bytes -= sys.getsizeof(gone)
