"""Names in sentences: those that could be meant, and the one that probably was."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_GUESSES = 100
_MAX_LENGTH = 64


def listed(names: Iterable[str]) -> str:
    """The names, quoted, as alternatives."""
    *most, last = [f"'{name}'" for name in names]
    return f"{', '.join(most)} or {last}" if most else last


def sentence_end(words: object) -> str:
    """The words with a full stop, unless they end in a question."""
    text = str(words)
    return text if text.endswith("?") else f"{text}."


class Guesses:
    """Finds the nearest of some known names, `MAX_GUESSES` times: it takes a millisecond each."""

    def __init__(self) -> None:
        self._left = MAX_GUESSES

    def nearest(self, name: str, known: Iterable[str]) -> str | None:
        """The known name that is most like `name`; None if none is, or too many were asked for."""
        if not self._left or len(name) > _MAX_LENGTH:
            return None
        self._left -= 1
        names = {each.lower(): each for each in known}
        found = get_close_matches(name.lower(), names, n=1, cutoff=0.75)
        return names[found[0]] if found else None

    def hint(self, name: str, known: Iterable[str], otherwise: str = ".") -> str:
        """The end of a sentence that says what to write instead."""
        nearest = self.nearest(name, known)
        return f": did you mean '{nearest}'?" if nearest else otherwise
