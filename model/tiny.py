"""Tiny random models, built in memory in a fraction of a second: for tests and for timings that need no picture.

They have the real classes and the real wiring of their families, only few and narrow layers.
"""

from typing import Any

import torch

from model.components import Bundle, assemble
from model.families import FAMILIES
from model.tiny_parts import clip_tokenizer
from model.towers import Clip, Reader


def bundle(family: str, seed: int = 0, **shape: Any) -> Bundle:
    """A tiny model of the family of this name; `shape` is what its `tiny` takes beside the seed."""
    kind = FAMILIES[family]
    return assemble(kind, kind.tiny(seed, **shape))


def reader(seed: int = 0) -> Reader:
    """Towers that know nothing, of a CLIP with random weights."""
    from transformers import CLIPConfig, CLIPModel

    tokenizer, layers = clip_tokenizer(), {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    layers["num_attention_heads"] = 2
    text = {"vocab_size": len(tokenizer), "max_position_embeddings": tokenizer.model_max_length, **layers}
    text |= {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    torch.manual_seed(seed)
    side = 32
    clip = CLIPModel(
        CLIPConfig(text_config=text, vision_config={"image_size": side, "patch_size": 8, **layers}, projection_dim=16)
    )
    return Reader(Clip(clip.eval()), tokenizer, [0.5] * 3, [0.5] * 3, side)
