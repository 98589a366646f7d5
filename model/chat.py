"""Language models as readers of prompts: the prompt is a chat message, hidden layers are the condition."""

from collections.abc import Sequence
from typing import Any

import torch

from model.errors import ModelError
from model.family import Condition, TextEncoder
from model.memory import place_of
from model.request import Pixels


class ChatText(TextEncoder):
    """A language model's hidden layers, of which `layers` are put beside each other.

    thinking: what the chat template is told. whole: keep all positions, padded ones too, as some models were trained.
    """

    max_tokens = 512

    def __init__(
        self, tokenizer: Any, encoder: Any, *, layers: Sequence[int] = (-2,), thinking: bool = True, whole: bool = False
    ) -> None:
        if not tokenizer.chat_template:
            raise ModelError(
                "The tokenizer has no chat template, by which this model reads prompts: it is another one's."
            )
        self.tokenizer, self.encoder = tokenizer, encoder
        self._layers, self._thinking, self._whole = layers, thinking, whole

    def encode(self, text: str, pictures: Sequence[Pixels] = ()) -> Condition:
        message = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": text}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=self._thinking,
        )
        tokens = self.tokenizer(message, padding="max_length", max_length=self.max_tokens, truncation=True)
        read = [place for place, kept in enumerate(tokens.attention_mask) if kept]
        states = self.encoder(
            input_ids=torch.tensor([tokens.input_ids], device=place_of(self.encoder)),
            attention_mask=torch.tensor([tokens.attention_mask], device=place_of(self.encoder)),
            output_hidden_states=True,
            use_cache=False,
        ).hidden_states
        hidden = torch.cat([states[layer][0] for layer in self._layers], dim=-1)
        return Condition(hidden if self._whole else hidden[read])
