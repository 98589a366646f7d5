"""A single `.safetensors` checkpoint, as Civitai and ComfyUI have them: read by diffusers' own single-file loaders.

The configs ship with Easel (`model/configs`), so that nothing is fetched from a hub; tokenizers come from a folder.
"""

from pathlib import Path

import torch

from model.errors import ModelError
from model.families import Family, Parts

SUFFIXES = frozenset({".safetensors", ".ckpt", ".pt", ".pth", ".gguf", ".bin"})


def read(file: Path, tokenizers: Path, dtype: torch.dtype) -> tuple[type[Family], Parts]:
    """The family and the parts of a checkpoint. ModelError with a sentence that says what is wrong with it."""
    raise ModelError(f"{file} is a single file; Easel reads model folders.")
