"""Documents that clients register by themselves: a text is sent with its hash once, then the hash is enough.

In this process's memory, and in Redis for the other gateways. All of it may be lost: then the client sends the text
again.
"""

from gateway.persisted import ids
from gateway.persisted.remembered import RememberedTexts
from gateway.persisted.shared_texts import LARGEST, SharedTexts


class AutomaticDocuments:
    """Texts that were registered. Without ``shared``, each gateway knows its own."""

    def __init__(self, shared: SharedTexts | None = None, remembered: RememberedTexts | None = None) -> None:
        self._shared = shared
        self._remembered = remembered if remembered is not None else RememberedTexts()

    def at_hand(self, digest: str) -> str | None:
        """The text with this hash, if this process has it."""
        return self._remembered.find(digest)

    async def elsewhere(self, digest: str) -> str | None:
        """The text with this hash, if another gateway has shared it; at hand from then on."""
        if self._shared is None or not ids.is_hash(digest):
            return None
        text = await self._shared.find(digest)
        if text is not None:
            self._remembered.keep(digest, text)
        return text

    def keep(self, text: str) -> None:
        """Keep a valid text (of up to ``LARGEST`` bytes), and share it in the background."""
        if len(text) > LARGEST:
            return
        digest = ids.hash_of(text)
        if self._remembered.find(digest) is not None:
            return
        self._remembered.keep(digest, text)
        if self._shared is not None:
            self._shared.keep_soon(digest, text)
