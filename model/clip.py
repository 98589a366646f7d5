"""CLIP text models as readers of prompts: one for SD 1.x and 2.x, two for SDXL."""

from collections.abc import Sequence
from typing import Any

import torch

from model.family import Condition, TextEncoder
from model.memory import place_of
from model.request import Pixels
from model.spelling import Lexicon

_CLIP_LENGTH = 77
_WINDOWS = 4


def clip_tokens(tokenizer: Any, text: str) -> torch.Tensor:
    """(1, L) of the tokenizer's own length, padded or cut."""
    return windows_of(tokenizer, text, 1)[0]


def windows_of(tokenizer: Any, text: str, most: int) -> list[torch.Tensor]:
    """The tokens of a prompt as windows (1, L) of the tokenizer's own length, at most so many of them."""
    length = tokenizer.model_max_length
    tokens = tokenizer(_spelled_out(tokenizer, text), add_special_tokens=False, verbose=False).input_ids
    pieces = [tokens[start : start + length - 2] for start in range(0, len(tokens), length - 2)][:most] or [[]]
    padding = tokenizer.pad_token_id
    framed = [[tokenizer.bos_token_id, *piece, tokenizer.eos_token_id] for piece in pieces]
    return [torch.tensor([[*piece, *[padding] * (length - len(piece))]]) for piece in framed]


def _spelled_out(tokenizer: Any, text: str) -> str:
    """Words of textual inversions (`model.inversions`) with all the tokens that they stand for."""
    known = tokenizer.added_tokens_encoder
    for word in {word for word in known if f"{word}_1" in known and word in text}:
        number, words = 1, [word]
        while f"{word}_{number}" in known:
            words.append(f"{word}_{number}")
            number += 1
        text = text.replace(word, " ".join(words))
    return text


class ClipText(TextEncoder):
    """One CLIP text model (SD 1.x: its last layer), or two (SDXL: both penultimate layers and the second's pooled).

    A prompt that is longer than the 77 tokens of CLIP is read in several windows of that length, whose layers are put
    one behind the other, as other tools do; the pooled prompt is the first window's.
    """

    def __init__(
        self,
        tokenizers: Sequence[Any],
        encoders: Sequence[Any],
        zero_negative: bool = False,
        windows: int | None = None,
        lexicon: Lexicon | None = None,
    ) -> None:
        """windows: how many are read at most; None means four of CLIP's own length, and one where it is another.

        lexicon: the words that the model was taught; what it does not know is read as the nearest of them.
        """
        self.lexicon = lexicon
        self.tokenizers, self.encoders, self._zero_negative = tokenizers, encoders, zero_negative
        length = tokenizers[0].model_max_length
        self._windows = windows or (_WINDOWS if length == _CLIP_LENGTH else 1)
        self.max_tokens = self._windows * (length - 2)  # without the start and end tokens

    def encode(self, text: str, pictures: Sequence[Pixels] = ()) -> Condition:
        text = text if self.lexicon is None else self.lexicon.read(text)
        count = max(len(windows_of(tokenizer, text, self._windows)) for tokenizer in self.tokenizers)
        hidden, pooled = [], None
        for tokenizer, encoder in zip(self.tokenizers, self.encoders, strict=True):
            penultimate = len(self.encoders) > 1
            windows = windows_of(tokenizer, text, self._windows)
            empty = clip_tokens(tokenizer, "")
            windows += [empty] * (count - len(windows))  # a second tokenizer may need fewer
            outputs = [encoder(tokens.to(place_of(encoder)), output_hidden_states=penultimate) for tokens in windows]
            layers = [output.hidden_states[-2] if penultimate else output[0] for output in outputs]
            hidden.append(torch.cat(layers, dim=1))
            if outputs[0][0].ndim == 2:  # a projected, pooled prompt
                pooled = outputs[0][0][0]
        return Condition(torch.cat(hidden, dim=-1)[0], pooled)

    def window(self) -> tuple[Any, int]:
        return self.tokenizers[0], self.max_tokens

    def encode_against(self, text: str | None, pictures: Sequence[Pixels] = ()) -> Condition:
        against = self.encode(text or "")
        if text is not None or not self._zero_negative:
            return against
        pooled = None if against.pooled is None else torch.zeros_like(against.pooled)
        return Condition(torch.zeros_like(against.hidden), pooled)
