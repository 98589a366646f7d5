"""What a model did not read of a prompt, in words for the person who wrote it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from contract.jobs import Job
from contract.remarks import Remark

if TYPE_CHECKING:
    from model.unread import Unread

_REMARKS = TypeAdapter(tuple[Remark, ...])
_LONGEST = 60
_MOST_WORDS = 8


def remarks_on(job: Job, title: str, unread: Callable[[str], Unread] | None) -> tuple[Remark, ...]:
    """One about words beyond the window of the model called `title`, one about words that it does not know, one about
    words that it read as others.

    The parts of a prompt, and its `--no`, are read one by one, so each has a window of its own.
    """
    if unread is None:
        return ()
    texts = [part.text for part in job.prompt.parts]
    if job.prompt.negatives:
        texts.append(", ".join(job.prompt.negatives))
    beyond: list[str] = []
    unknown: list[str] = []
    read_as: dict[str, str] = {}
    for text in texts:
        found = unread(text)
        unknown += found.words
        read_as.update((_plain(word), meant) for word, meant in found.read_as)
        if found.start is not None:
            beyond.append(_shown(text[found.start :]))
    remarks = []
    if beyond:
        remarks.append(Remark("not_read", {"model": title, "words": ", ".join(f"`{words}`" for words in beyond)}))
    if unknown:
        words = list(dict.fromkeys(map(_plain, unknown)))
        listed = ", ".join(f"`{word}`" for word in words[:_MOST_WORDS]) + (" …" if len(words) > _MOST_WORDS else "")
        remarks.append(Remark("unknown_words", {"model": title, "words": listed}))
    if read_as:
        pairs = [f"`{word}` → `{meant}`" for word, meant in read_as.items()]
        listed = ", ".join(pairs[:_MOST_WORDS]) + (" …" if len(pairs) > _MOST_WORDS else "")
        remarks.append(Remark("read_as", {"model": title, "words": listed}))
    return tuple(remarks)


def noted(remarks: tuple[Remark, ...]) -> dict[str, Any]:
    """What a job's record keeps of them, for a try that finds the job done."""
    return {"remarks": [asdict(remark) for remark in remarks]} if remarks else {}


def remarks_in(record: Mapping[str, Any] | None) -> tuple[Remark, ...]:
    """Those that a job's record keeps; none where they cannot be read, for the pictures beside them are whole."""
    try:
        return _REMARKS.validate_python((record or {}).get("remarks", ()))
    except ValidationError:
        return ()


def _shown(words: str) -> str:
    words = _plain(words)
    return words if len(words) <= _LONGEST else words[: _LONGEST - 1].rstrip() + "…"


def _plain(words: str) -> str:
    return words.replace("`", "'").strip(" ,.;")
