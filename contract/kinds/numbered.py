"""Texts with their numbers before them, as Midjourney shows them and as they are read back out of a message."""

from __future__ import annotations

import re
from collections.abc import Sequence

_KEYCAP = "\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}"
_LINE = re.compile(rf"^([1-9])\N{{VARIATION SELECTOR-16}}?{_KEYCAP[1]} (.+)$", re.MULTILINE)


def numbered(texts: Sequence[str]) -> str:
    """`1️⃣ …`, an empty line, `2️⃣ …`: each text is one line."""
    return "\n\n".join(f"{number}{_KEYCAP} {text}" for number, text in enumerate(texts, 1))


def texts_in(description: str) -> tuple[str, ...]:
    """The texts in a description made by `numbered`, whatever stands before them."""
    return tuple(found[2].strip() for found in _LINE.finditer(description))
