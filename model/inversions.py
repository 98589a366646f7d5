"""Textual inversions: embeddings that one word of a prompt stands for (Gal et al. 2022, arXiv 2208.01618)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from model.errors import ModelError
from model.folders import check_numbers, read_tensors

_KEYS = (("clip_l", "emb_params", "string_to_param"), ("clip_g",))  # of the first text encoder, of the second


def add_inversions(modules: Mapping[str, Any], word: str, file: Path) -> None:
    """Teach the CLIP text encoders among a model's parts the `word` that `file` holds embeddings (n, D) for.

    Prompts that hold the word are then read as if it were n tokens: `ClipText` sees to that. ModelError where the file
    cannot be read or belongs to another model.
    """
    tensors = read_tensors(file, "textual inversion")
    check_numbers(tensors, f"textual inversion {file}")
    if not word or any(character.isspace() for character in word):
        raise ModelError(f"“{word}” cannot call the textual inversion {file}: it must be one word.")
    if len(tensors) == 1:
        tensors = {"clip_l": next(iter(tensors.values()))}
    taught = 0
    for suffix, keys in zip(("", "_2"), _KEYS, strict=True):
        encoder, tokenizer = modules.get(f"text_encoder{suffix}"), modules.get(f"tokenizer{suffix}")
        found = next((tensors[key] for key in keys if key in tensors), None)
        if encoder is None or tokenizer is None or found is None or not found.numel():
            continue
        _teach(encoder, tokenizer, word, torch.atleast_2d(found), file)
        taught += 1
    if not taught:
        raise ModelError(f"The textual inversion {file} has nothing for the text encoders of this model.")


def _teach(encoder: Any, tokenizer: Any, word: str, vectors: torch.Tensor, file: Path) -> None:
    table = encoder.get_input_embeddings()
    if vectors.shape[1] != table.embedding_dim:
        raise ModelError(
            f"The textual inversion {file} has embeddings of {vectors.shape[1]} numbers, "
            f"this model's are of {table.embedding_dim}: it was trained for another model."
        )
    names = [word, *(f"{word}_{number}" for number in range(1, len(vectors)))]
    known = tokenizer.get_vocab()  # CLIP's whole words end in </w>
    if any(name in known or f"{name.lower()}</w>" in known for name in names):
        raise ModelError(f"The textual inversion {file} cannot be called “{word}”: the model has that word already.")
    tokenizer.add_tokens(names)
    weight = torch.cat([table.weight.data, vectors.to(table.weight)])
    grown = torch.nn.Embedding(weight.shape[0], weight.shape[1], dtype=weight.dtype, device=weight.device)
    grown.weight.data = weight
    encoder.set_input_embeddings(grown)
    encoder.config.vocab_size = len(weight)
