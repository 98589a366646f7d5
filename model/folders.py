"""A model folder in diffusers' layout, read part by part: one sentence for whatever is missing or damaged."""

import importlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch

from model.errors import ModelError

POINTER = b"version https://git-lfs"


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """An object of a JSON file. ModelError when there is no such file, or no object in it."""
    try:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"The model folder {folder} has no {name}.") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"The model folder {folder} is damaged: {name} cannot be read ({error}).") from error
    if not isinstance(content, dict):
        raise ModelError(f"The model folder {folder} is damaged: {name} is not an object.")
    return content


def classes(folder: Path, index: Mapping[str, Any]) -> dict[str, str]:
    """The class of each part that `model_index.json` names; `[null, null]` stands for a part that is left out."""
    named = {}
    for name, entry in index.items():
        if not isinstance(entry, list) or name.startswith("_") or "/" in name:
            continue
        if len(entry) != 2 or not all(word is None or isinstance(word, str) for word in entry):
            raise ModelError(f"The model folder {folder} is damaged: model_index.json says {entry!r} of {name}.")
        if entry[1] is not None:
            named[name] = entry[1]
    return named


class Reader:
    """Reads the parts of one folder. variant: which of several kinds of weights, empty for what is there."""

    def __init__(self, folder: Path, named: Mapping[str, str], variant: str, dtype: torch.dtype) -> None:
        self._folder, self._named, self._variant, self._dtype = folder, named, variant, dtype

    def weights(self, name: str, allowed: Collection[str], library: str) -> Any:
        """A module with its weights, on the CPU."""
        kind = self._class(name, allowed, library)
        variant = self._variant_of(name)
        options: dict[str, Any] = {"variant": variant or None}
        if library == "transformers":
            # Said here, because a config may name an implementation that would be fetched from a hub and run.
            options["attn_implementation"] = "sdpa" if getattr(kind, "_supports_sdpa", False) else "eager"
        try:
            part, report = kind.from_pretrained(
                self._folder / name,
                dtype=self._dtype,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                **options,
            )
        except Exception as error:  # the libraries raise a dozen kinds for a damaged file; one sentence is needed
            raise self._damaged(f"{name} cannot be loaded ({_first_line(error)})") from error
        if report["missing_keys"]:
            missing = ", ".join(sorted(report["missing_keys"])[:3])
            raise self._damaged(f"{name} lacks weights ({missing} …)")
        if report.get("mismatched_keys"):
            raise self._damaged(f"{name} has weights of another shape than its config says")
        return part

    def text_part(self, name: str, allowed: Collection[str]) -> Any:
        """A text encoder with its weights, a tokenizer, or what prepares pictures for an encoder that sees."""
        if name.startswith("text_encoder"):
            return self.weights(name, allowed, "transformers")
        kind = self._class(name, allowed, "transformers")
        if name == "processor":  # the whole of it needs torchvision; the part that prepares pictures does not
            kind = importlib.import_module("transformers").Qwen2VLImageProcessorPil
        if not (self._folder / name).is_dir():
            raise ModelError(f"The model folder {self._folder} has no {name}, without which no prompt can be read.")
        try:
            return kind.from_pretrained(self._folder / name, local_files_only=True)
        except Exception as error:
            raise self._damaged(f"{name} cannot be loaded ({_first_line(error)})") from error

    def _class(self, name: str, allowed: Collection[str], library: str) -> Any:
        if self._named[name] not in allowed:
            known = ", ".join(sorted(allowed))
            raise ModelError(f"Easel cannot load a {self._named[name]} as {name}; here it knows {known}.")
        return getattr(importlib.import_module(library), self._named[name])

    def _variant_of(self, name: str) -> str:
        """The variant to read; the weight files of this part are looked at before a library does."""
        folder = self._folder / name
        files = sorted(folder.glob("*.safetensors"))
        if not files:
            others = sorted(path.name for pattern in ("*.bin", "*.ckpt", "*.pt") for path in folder.glob(pattern))
            if others:
                raise ModelError(
                    f"The model folder {self._folder} has only {name}/{others[0]}, which may hold code: "
                    f"get the model as safetensors."
                )
            raise ModelError(f"The model folder {self._folder} has no {name}/*.safetensors.")
        for file in files:
            with file.open("rb") as opened:
                if opened.read(len(POINTER)) == POINTER:
                    raise ModelError(
                        f"{file} is a Git LFS pointer, not weights: run `git lfs pull` in {self._folder}, "
                        f"or download the model again."
                    )
        for shards in folder.glob("*.safetensors.index*.json"):
            self._check_shards(name, shards)
        variants = {path.name.split(".")[1].partition("-")[0] for path in files if path.name.count(".") > 1}
        plain = any(path.name.count(".") == 1 for path in files)
        if self._variant and self._variant in variants:
            return self._variant
        if self._variant and not plain:
            have = ", ".join(sorted(variants))
            raise ModelError(
                f"The model folder {self._folder} has no variant “{self._variant}” of {name}, only {have}."
            )
        if plain or not variants:
            return ""
        return "fp16" if "fp16" in variants else sorted(variants)[0]

    def _check_shards(self, name: str, index: Path) -> None:
        """Shards are safetensors files of the same folder, and all of them are there."""
        shards = read_json(index.parent, index.name).get("weight_map")
        if not isinstance(shards, dict):
            raise self._damaged(f"{name}/{index.name} has no weight_map")
        for shard in sorted({str(value) for value in shards.values()}):
            if "/" in shard or "\\" in shard or not shard.endswith(".safetensors"):
                raise self._damaged(f"{name}/{index.name} names {shard}, which is no safetensors file beside it")
            if not (index.parent / shard).is_file():
                raise self._damaged(f"{name}/{shard} is missing")

    def _damaged(self, what: str) -> ModelError:
        return ModelError(f"The model folder {self._folder} is damaged: {what}.")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
