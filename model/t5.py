"""T5 encoders as readers of prompts, for families that pair them with CLIP."""

from typing import Any

import torch

from model.memory import place_of


def t5_hidden(tokenizer: Any, encoder: Any, text: str, length: int) -> torch.Tensor:
    """The last hidden layer (length, D), padding included: these models are trained to see it."""
    tokens = tokenizer(text, padding="max_length", max_length=length, truncation=True, return_tensors="pt")
    hidden: torch.Tensor = encoder(tokens.input_ids.to(place_of(encoder)))[0][0]
    return hidden
