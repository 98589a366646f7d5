"""Loads a model from a folder or a hub id in diffusers' standard layout.

Only safetensors weights are read and no code that comes with a model is ever run.
"""

import hashlib
import importlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch

from model.components import Bundle, assemble
from model.errors import ModelError
from model.families import Parts, family_for
from model.imports import collector_resting

# Digest only the ends of large weight files: enough to tell two trainings apart, without reading gigabytes.
_DIGEST_BYTES = 1 << 20


def load(
    source: str | Path,
    revision: str | None = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | str | None = None,
    local_files_only: bool = False,
) -> Bundle:
    """Load a model from a folder, or from the hub (pin a `revision` there).

    dtype None means float32 on the CPU, bfloat16 on a card that has it and float16 otherwise.
    Raises ModelError with a sentence that says what is missing or damaged.
    """
    folder = _folder(source, revision, local_files_only)
    with collector_resting():
        return _load(folder, torch.device(device), dtype)


def _load(folder: Path, device: torch.device, dtype: torch.dtype | str | None) -> Bundle:
    index = _read_json(folder, "model_index.json")
    named = _classes(index)
    dtype = _dtype(dtype, device)
    denoiser_part = next((name for name in ("unet", "transformer") if name in named), None)
    if denoiser_part is None:
        raise ModelError(f"The model in {folder} has neither a unet nor a transformer.")
    kind = family_for(named[denoiser_part], _read_json(folder, f"{denoiser_part}/config.json"), index)
    modules: dict[str, Any] = {
        denoiser_part: _load_part(folder, denoiser_part, named, {kind.denoiser_class}, "diffusers", dtype)
    }
    if "vae" in named:
        vae = _load_part(folder, "vae", named, kind.autoencoders, "diffusers", dtype)
        # float16 overflows in the usual autoencoders' last layers; they say so in their config.
        if dtype is torch.float16 and vae.config.get("force_upcast", True):
            vae = vae.to(torch.float32)
        modules["vae"] = vae
    for name, allowed in kind.text_parts.items():
        if name not in named:
            if name in kind.optional_parts:
                continue
            raise ModelError(f"The model in {folder} has no {name}, which a {kind.name} model needs.")
        if name.startswith("text_encoder"):
            modules[name] = _load_part(folder, name, named, allowed, "transformers", dtype)
        else:
            modules[name] = _load_tokenizer(folder, name, named, allowed)
    for module in modules.values():
        if isinstance(module, torch.nn.Module):
            module.to(device)
    settings = {name: value for name, value in index.items() if not isinstance(value, list)}
    parts = Parts(modules, _read_json(folder, "scheduler/scheduler_config.json"), settings)
    return assemble(kind, parts, fingerprint=_fingerprint_of_files(folder), device=device, dtype=dtype)


def _classes(index: Mapping[str, Any]) -> dict[str, str]:
    """The class of each part that `model_index.json` names."""
    return {
        name: entry[1]
        for name, entry in index.items()
        if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], str)
    }


def _folder(source: str | Path, revision: str | None, local_files_only: bool) -> Path:
    folder = Path(source)
    if folder.is_dir():
        return folder
    if isinstance(source, Path) or source.startswith((".", "/", "~")) or source.count("/") != 1:
        raise ModelError(f"There is no model folder {source}.")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    wanted = ["model_index.json", "*/*.json", "*/*.safetensors", "*/*.txt"]
    try:
        return Path(
            snapshot_download(
                source,
                revision=revision,
                local_files_only=local_files_only,
                allow_patterns=wanted,
                ignore_patterns=["*.fp16.safetensors", "*.non_ema.safetensors"],
            )
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise ModelError(f"{source} is neither a model folder nor a model that could be fetched: {error}") from error


def _dtype(dtype: torch.dtype | str | None, device: torch.device) -> torch.dtype:
    if isinstance(dtype, torch.dtype):
        return dtype
    if dtype is not None:
        named = getattr(torch, dtype, None)
        if not isinstance(named, torch.dtype):
            raise ModelError(f"There is no dtype “{dtype}”; use float32, bfloat16 or float16.")
        return named
    if device.type == "cpu":
        return torch.float32
    if device.type == "cuda" and not torch.cuda.is_bf16_supported():
        return torch.float16
    return torch.bfloat16


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    try:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"The model folder {folder} has no {name}.") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"The model folder {folder} is damaged: {name} cannot be read ({error}).") from error
    if not isinstance(content, dict):
        raise ModelError(f"The model folder {folder} is damaged: {name} is not an object.")
    return content


def _class(name: str, named: Mapping[str, str], allowed: Collection[str], library: str) -> Any:
    if named[name] not in allowed:
        raise ModelError(f"Easel cannot load a {named[name]} as {name}; it knows {', '.join(sorted(allowed))}.")
    return getattr(importlib.import_module(library), named[name])


def _load_part(
    folder: Path, name: str, named: Mapping[str, str], allowed: Collection[str], library: str, dtype: torch.dtype
) -> Any:
    part_class = _class(name, named, allowed, library)
    if not any((folder / name).glob("*.safetensors")):
        raise ModelError(f"The model folder {folder} has no {name}/*.safetensors.")
    try:
        part, report = part_class.from_pretrained(
            folder / name, dtype=dtype, use_safetensors=True, local_files_only=True, output_loading_info=True
        )
    except Exception as error:  # the libraries raise a dozen kinds for a damaged file; the operator needs one sentence
        raise ModelError(f"The model folder {folder} is damaged: {name} cannot be loaded ({error}).") from error
    if report["missing_keys"]:
        missing = ", ".join(sorted(report["missing_keys"])[:3])
        raise ModelError(f"The model folder {folder} is damaged: {name} lacks weights ({missing} …).")
    return part


def _load_tokenizer(folder: Path, name: str, named: Mapping[str, str], allowed: Collection[str]) -> Any:
    tokenizer_class = _class(name, named, allowed, "transformers")
    try:
        return tokenizer_class.from_pretrained(folder / name, local_files_only=True)
    except Exception as error:
        raise ModelError(f"The model folder {folder} is damaged: {name} cannot be loaded ({error}).") from error


def _fingerprint_of_files(folder: Path) -> str:
    """Changes with any config and with any retraining; the same for the same files on every host and device."""
    digest = hashlib.sha256()
    files = [path for path in folder.glob("*/*") if path.suffix in {".json", ".safetensors", ".txt"}]
    for path in sorted(files, key=lambda path: path.relative_to(folder).as_posix()):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()} {size}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(_DIGEST_BYTES))
            if size > _DIGEST_BYTES:
                file.seek(max(_DIGEST_BYTES, size - _DIGEST_BYTES))
                digest.update(file.read(_DIGEST_BYTES))
    return digest.hexdigest()[:8]
