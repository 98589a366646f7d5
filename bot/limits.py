"""What fits into a message of Discord's. The one place that knows its limits: all that is sent goes through here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap

CONTENT = 2000
"""Characters of a message."""
TITLE, DESCRIPTION, FOOTER, EMBED = 256, 4096, 2048, 6000
"""Characters of an embed: of its parts, and in all."""
LABEL = 80
"""Characters on a button."""
CHOICES, CHOICE = 25, 100
"""Options of a menu, or suggestions for an option; characters of each, and of what it stands for."""
FIELD = 4000
"""Characters of a form's field."""
EMBED_FIELD = 1024
"""Characters under a heading of an embed."""

_ELLIPSIS = "…"


def fit(text: str, limit: int = CONTENT) -> str:
    """`text`, cut to `limit` characters with an ellipsis at the end, never within an escape such as `\\*`."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    if (len(cut) - len(cut.rstrip("\\"))) % 2:
        cut = cut[:-1]
    return cut + _ELLIPSIS


def pages(lines: Iterable[str], limit: int = CONTENT) -> Sequence[str]:
    """`lines` as texts of at most `limit` characters, each with as many whole lines as it can hold; at least one.

    A line that is longer than that is broken between words.
    """
    found: list[str] = []
    page: list[str] = []
    room = limit
    short = (piece for line in lines for piece in (wrap(line, limit) if len(line) > limit else [line]))
    for line in short:
        if page and len(line) + 1 > room:
            found.append("\n".join(page))
            page, room = [], limit
        room -= len(line) + (1 if page else 0)
        page.append(line)
    return [*found, "\n".join(page)]
