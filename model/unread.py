"""What of a prompt a text encoder does not read: what lies beyond its window, and words that it was never taught."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from model.family import TextEncoder
from model.spelling import Lexicon, apply, place_before

_WORD = re.compile(r"[^\W\d_]+")
_PARTICLES = "的地得了着是在"
"""They show nothing, so nothing is lost where they are not read."""


@dataclass(frozen=True)
class Unread:
    """start: where in the text the reading stops, None when all of it is read. words: those that are not known, in
    their order, of the part that is read. read_as: those that are read as another word, with that."""

    start: int | None = None
    words: tuple[str, ...] = ()
    read_as: tuple[tuple[str, str], ...] = ()


class Legibility:
    """Tells what of a text is not read. Any thread may ask.

    whole_words: the encoder was taught whole words, so one that its tokenizer has to spell means nothing to it.
    lexicon: what it reads such a word as, where it has one.
    """

    def __init__(
        self, tokenizer: Tokenizer, max_tokens: int, *, whole_words: bool = False, lexicon: Lexicon | None = None
    ) -> None:
        self._tokenizer, self._max_tokens, self._whole_words = tokenizer, max_tokens, whole_words
        self._lexicon = lexicon
        self._added = frozenset(tokenizer.get_added_tokens_decoder())

    def __call__(self, text: str) -> Unread:
        corrections = [] if self._lexicon is None else self._lexicon.corrections(text)
        found = self._of(apply(text, corrections))
        start = None if found.start is None else place_before(found.start, corrections)
        read_as = [
            (text[one.start : one.end], one.meant)
            for one in corrections
            if one.slip and (start is None or one.start < start)
        ]
        return Unread(start, found.words, tuple(dict.fromkeys(read_as)))

    def _of(self, text: str) -> Unread:
        """What is not read of a text as it was meant."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        offsets = encoding.offsets
        start = offsets[self._max_tokens][0] if len(offsets) > self._max_tokens else None
        if start is not None and (inside := _word_around(text, start)) is not None:
            start = inside  # a word whose end is cut off is not read either
        if not self._whole_words:
            return Unread(start)
        begins = [begin for begin, _ in offsets]
        words = [found for found in _WORD.finditer(text) if start is None or found.start() < start]
        unknown: list[str] = []
        for found in words:
            first, last = bisect_left(begins, found.start()), bisect_left(begins, found.end())
            if last - first > 1:
                unknown += self._pieces(text, encoding.ids[first:last], offsets[first:last])
        return Unread(start, tuple(dict.fromkeys(unknown)))

    def _pieces(self, text: str, ids: Sequence[int], offsets: Sequence[tuple[int, int]]) -> Iterator[str]:
        """What of a word is not known: all of it, or, where words stand without spaces between them ("红苹果") and are
        tokens that were added, what lies between those."""
        pieces: list[list[int]] = []
        for number, (one, (start, end)) in enumerate(zip(ids, offsets, strict=True)):
            if one in self._added:
                continue
            if pieces and pieces[-1][2] == number - 1:
                pieces[-1][1:] = [max(end, pieces[-1][1]), number]
            else:
                pieces.append([start, end, number])
        for start, end, _ in pieces:
            if piece := text[start:end].strip(_PARTICLES):
                yield piece


def legibility(encoder: TextEncoder | None, *, whole_words: bool = False) -> Legibility | None:
    """What tells what `encoder` does not read; None for encoders that do not say how they cut a prompt."""
    window = None if encoder is None else encoder.window()
    if window is None:
        return None
    tokenizer, max_tokens = window
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return None
    own = backend
    if not getattr(tokenizer, "never_cuts", False):  # it is told to cut and pad, and not for two threads at a time
        own = Tokenizer.from_str(backend.to_str())
        own.no_truncation()
        own.no_padding()
    assert encoder is not None
    return Legibility(own, max_tokens, whole_words=whole_words, lexicon=encoder.lexicon)


def _word_around(text: str, place: int) -> int | None:
    """Where the word begins in whose middle `place` lies; None when it lies between words."""
    return next((found.start() for found in _WORD.finditer(text) if found.start() < place < found.end()), None)
