"""What is worth keeping: asked for a second time within a minute, as far as this process remembers.

Whoever makes up addresses asks for each once, and would fill any store. Nothing depends on the
memory being right: what it has forgotten is made once more.
"""

from __future__ import annotations

import time
from array import array

PLACES = 8192
SECONDS = 60.0


class Doorkeeper:
    """Remembers which keys were missed, in a fixed number of places; a newer key takes an older one's place."""

    def __init__(self, places: int = PLACES, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._keys = array("Q", bytes(8 * places))
        self._until = array("d", bytes(8 * places))

    def admits(self, key: str) -> bool:
        """Whether the key, a hash in hexadecimal, was missed before; it is remembered from now on."""
        number, now = int(key[:16], 16), time.monotonic()
        place = number % len(self._keys)
        is_known = self._keys[place] == number and self._until[place] > now
        self._keys[place], self._until[place] = number, now + self._seconds
        return is_known
