"""``corpus/``: by target, inputs to begin with, which a fuzzer would take long to come upon.

What long runs find is kept beside them, and every test run replays both.
"""

from __future__ import annotations

from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
WORDS = Path(__file__).parent / "words.dict"


def replayed(name: str) -> list[Path]:
    """Return the files of a target, seeds and findings."""
    return sorted((CORPUS / name).glob("*"))
