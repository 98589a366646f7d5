"""A model folder in diffusers' layout, read part by part: one sentence for whatever is missing or damaged."""

import importlib
import json
import re
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch

from model.errors import ModelError

POINTER = b"version https://git-lfs"
_MOST_LAYERS = 1000
_VOCABULARIES = frozenset({"tokenizer.json", "vocab.json", "vocab.txt"})
_SHARD = re.compile(r"-\d+-of-\d+\.safetensors$")
# What ComfyUI's scaled fp8, torch's own int8 and bitsandbytes put beside their weights.
_SCALES = ("scale_weight", "weight_scale", "scaled_fp8", "weight.absmax", "weight.SCB")


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """An object of a JSON file. ModelError when there is no such file, or no object in it."""
    try:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"The model folder {folder} has no {name}.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"The model folder {folder} is damaged: {name} cannot be read ({error}).") from error
    if not isinstance(content, dict):
        raise ModelError(f"The model folder {folder} is damaged: {name} is not an object.")
    return content


def read_tensors(file: Path, what: str) -> dict[str, torch.Tensor]:
    """All tensors of a `.safetensors` file that was named as a `what`, such as "LoRA". ModelError says why not."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not file.is_file():
        raise ModelError(f"The {what} {file} cannot be read: there is no such file.")
    if file.suffix.lower() != ".safetensors":
        raise ModelError(f"The {what} {file} may hold code and is not read: get it as .safetensors.")
    refuse_pointer(file)
    try:
        tensors: dict[str, torch.Tensor] = load_file(file)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The {what} {file} cannot be read, it is damaged: {first_line(error)}.") from error
    return tensors


def check_numbers(tensors: Mapping[str, torch.Tensor], what: str) -> None:
    """ModelError when weights of a `what`, such as "LoRA x.safetensors", are no numbers, or whole ones.

    What a training run that failed has left makes every picture of who asks for it fail; a check of the model alone
    does not see it.
    """
    for name, tensor in tensors.items():
        if tensor.ndim > 1 and not tensor.is_floating_point():
            raise ModelError(f"The {what} is damaged: its {name} has whole numbers, weights are fractions.")
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.float()).all()):
            raise ModelError(f"The {what} is damaged: its {name} has numbers that are none (NaN or infinity).")


def refuse_quantised(file: Path, names: Mapping[str, str]) -> None:
    """ModelError for weights that are numbers of few bits with scales beside them, which no library here would apply:
    they would load, and draw noise. names: the type of each tensor, as the file's header says it."""
    for name, kind in names.items():
        if kind.startswith("C"):
            raise ModelError(f"{file} is damaged: its {name} has complex numbers, weights are fractions.")
        whole = name.endswith((".weight", ".bias")) and kind.startswith(("I", "U", "BOOL"))
        if kind in ("I8", "U8") or whole or name.endswith(_SCALES):
            raise ModelError(
                f"{file} has quantised weights in a layout that Easel does not read ({name}): get whole weights and "
                f"say `quantised` in the catalogue, or take a .gguf file as `denoiser`."
            )


def header(file: Path) -> dict[str, str]:
    """The type of each tensor of a `.safetensors` file by its name. ModelError for what is none, or was cut off."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as opened:
            return {name: str(opened.get_slice(name).get_dtype()) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{file} cannot be read as safetensors, it is damaged: {first_line(error)}.") from error


def check_depth(config: Mapping[str, Any], where: str) -> None:
    """ModelError for a number of layers that no model has: to build them would take for ever."""
    for key, value in config.items():
        if isinstance(value, dict):
            check_depth(value, where)
        elif ("layers" in key or key == "depth") and max(_numbers(value), default=0) > _MOST_LAYERS:
            raise ModelError(f"{where} is damaged: its {key} is {value}.")


def _numbers(value: Any) -> list[int]:
    """All whole numbers in a value of JSON."""
    if isinstance(value, list):
        return [number for one in value for number in _numbers(one)]
    return [value] if isinstance(value, int) else []


def refuse_pointer(file: Path) -> None:
    """ModelError for what git left in place of a large file."""
    with file.open("rb") as opened:
        if opened.read(len(POINTER)) == POINTER:
            raise ModelError(
                f"{file} is a Git LFS pointer, not weights: run `git lfs pull` in {file.parent}, or download it again."
            )


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
        config = read_json(self._folder, f"{name}/config.json")
        check_depth(config, f"{self._folder / name}/config.json")
        how = config.get("quantization_config")
        if how is not None:
            method = how.get("quant_method", "an unknown way") if isinstance(how, dict) else how
            raise ModelError(
                f"The {name} in {self._folder} was quantised by {method}, which Easel does not read: get whole "
                f"weights, and say `quantised` in the catalogue."
            )
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
            raise self._damaged(f"{name} cannot be loaded ({first_line(error)})") from error
        if report["missing_keys"]:
            missing = ", ".join(sorted(report["missing_keys"])[:3])
            raise self._damaged(f"{name} lacks weights ({missing} …)")
        if library == "diffusers" and (more := _beyond(part, report["unexpected_keys"])):
            raise self._damaged(f"{name} has weights of more layers ({more} …) than its config says")
        if report.get("mismatched_keys"):
            raise self._damaged(f"{name} has weights of another shape than its config says")
        if empty := [key for key, weight in part.state_dict().items() if weight.is_meta]:
            raise self._damaged(f"{name} lacks weights ({empty[0]} …), though its index names them")
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
        if name.startswith("tokenizer") and not self._has_vocabulary(name):
            raise self._damaged(f"{name} has no vocabulary (tokenizer.json, vocab.json or a .model file)")
        try:
            return kind.from_pretrained(self._folder / name, local_files_only=True)
        except Exception as error:
            raise self._damaged(f"{name} cannot be loaded as a {kind.__name__} ({first_line(error)})") from error

    def _has_vocabulary(self, name: str) -> bool:
        """Whether a tokenizer's words are there: transformers makes one that knows none where they are not."""
        return any(file.name in _VOCABULARIES or file.suffix == ".model" for file in (self._folder / name).iterdir())

    def class_name(self, name: str, allowed: Collection[str]) -> str:
        """The class of a part. ModelError when it is none of those that are `allowed`."""
        if self._named[name] not in allowed:
            known = ", ".join(sorted(allowed))
            raise ModelError(f"Easel cannot load a {self._named[name]} as {name}; here it knows {known}.")
        return self._named[name]

    def _class(self, name: str, allowed: Collection[str], library: str) -> Any:
        return getattr(importlib.import_module(library), self.class_name(name, allowed))

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
            refuse_pointer(file)
            try:
                types = header(file)
            except ModelError as error:
                raise self._damaged(f"{name} cannot be loaded ({first_line(error)})") from error
            refuse_quantised(file, types)
        for shards in folder.glob("*.safetensors.index*.json"):
            self._check_shards(name, shards)
        if all(_SHARD.search(file.name) for file in files) and not list(folder.glob("*.safetensors.index*.json")):
            raise self._damaged(f"{name} has {files[0].name} and no index of its shards (*.safetensors.index.json)")
        variants = {variant_in(path) for path in files}
        if self._variant and not variants & {self._variant, ""}:
            have = ", ".join(sorted(variants))
            raise ModelError(
                f"The model folder {self._folder} has no variant “{self._variant}” of {name}, only {have}."
            )
        return chosen_variant(variants, self._variant)

    def _check_shards(self, name: str, index: Path) -> None:
        """Shards are safetensors files of the same folder, and all of them are there."""
        content = read_json(index.parent, index.name)
        shards = content.get("weight_map")
        for part in ("weight_map", "metadata"):  # the libraries want both
            if not isinstance(content.get(part), dict):
                raise self._damaged(f"{name}/{index.name} has no {part}")
        assert isinstance(shards, dict)
        for shard in sorted({str(value) for value in shards.values()}):
            if "/" in shard or "\\" in shard or not shard.endswith(".safetensors"):
                raise self._damaged(f"{name}/{index.name} names {shard}, which is no safetensors file beside it")
            if not (index.parent / shard).is_file():
                raise self._damaged(f"{name}/{shard} is missing")

    def _damaged(self, what: str) -> ModelError:
        return ModelError(f"The model folder {self._folder} is damaged: {what}.")


def variant_in(file: Path) -> str:
    """`fp16` of `model.fp16-00001-of-00002.safetensors`; empty for plain weights."""
    return file.name.split(".")[1].partition("-")[0] if file.name.count(".") > 1 else ""


def chosen_variant(variants: Collection[str], wanted: str) -> str:
    """Which of a part's variants is read: the one that is wanted, else the plain one, else one of those there are."""
    if wanted in variants or not variants:
        return wanted if wanted in variants else ""
    if "" in variants:
        return ""
    return "fp16" if "fp16" in variants else min(variants)


def weight_files(folder: Path, wanted: str) -> list[Path]:
    """The files of a part that are read; none where there are none."""
    files = sorted(folder.glob("*.safetensors"))
    chosen = chosen_variant({variant_in(file) for file in files}, wanted)
    return [file for file in files if variant_in(file) == chosen]


def _beyond(module: torch.nn.Module, unexpected: Collection[str]) -> str:
    """The first of these weights that belongs to a further layer in one of the module's lists; empty if none does."""
    lists = {name: len(part) for name, part in module.named_modules() if isinstance(part, torch.nn.ModuleList)}
    for key in sorted(unexpected):
        words = key.split(".")
        for place, word in enumerate(words):
            if word.isdigit() and int(word) >= lists.get(".".join(words[:place]), sys.maxsize):
                return key
    return ""


def first_line(error: Exception) -> str:
    """What a library says of what it stumbled over, as part of a sentence."""
    if isinstance(error, KeyError):
        return f"there is no {error}"
    if "meta tensor" in str(error):  # how torch says that nothing was read into a weight
        return "weights are missing"
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
