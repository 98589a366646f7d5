"""The one error of the language: what was wrong, which word, and how it could be put right."""

from __future__ import annotations

from dataclasses import dataclass

from contract.errors import UserError, Value

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `text[start:end]` of what was typed by `replacement`."""

    start: int
    end: int
    replacement: str


class PromptError(UserError):
    """A prompt that cannot be run.

    `kind` and `reason` name a sentence (`contract.sentences`), `param` the full name of the parameter concerned (or the
    unrecognised word), `span` where in the typed text it stands, `suggestion` a whole prompt that would run instead,
    when there is one obvious correction. `edits` are the steps to it. `suffix` is the person's suffix when the fault
    lies there and not in what was typed.
    """

    def __init__(
        self,
        kind: str,
        reason: str = "",
        *,
        param: str | None = None,
        span: Span | None = None,
        edits: tuple[Edit, ...] = (),
        suggestion: str | None = None,
        **values: Value,
    ) -> None:
        super().__init__(kind, **values)
        self.reason = reason
        self.param = param
        self.span = span
        self.edits = edits
        self.suggestion = suggestion
        self.suffix: str | None = None


def corrected(text: str, edits: tuple[Edit, ...]) -> str:
    """`text` after `edits`, which do not overlap; insertions at one place keep their order."""
    pieces: list[str] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        pieces += [text[position : edit.start], edit.replacement]
        position = max(position, edit.end)
    pieces.append(text[position:])
    return " ".join("".join(pieces).split())
