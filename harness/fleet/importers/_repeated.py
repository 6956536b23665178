"""What rows of a source said already: machines come again and again, and so do the facts of each."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Said = TypeVar("Said")
_MOST: Final = 32768
"""Rows that are kept; of more than these the first ones."""


class Repeated(dict[Key, Said], Generic[Key, Said]):
    """What is said by rows of the same key: of all that the sighting depends on but time and place."""

    def keep(self, key: Key, said: Said) -> Said:
        """Another row may say the same."""
        if len(self) < _MOST:
            self[key] = said
        return said
