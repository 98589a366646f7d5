"""Loads a model: from a folder or a hub id in diffusers' standard layout, or from a single checkpoint file.

Only safetensors weights are read and no code that comes with a model, or that its config points to, is ever run.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from model import folders, single_file
from model.adapters.controlnet import read_controlnet
from model.adapters.ip_adapter import read_ip_adapter
from model.adapters.lora import read_lora
from model.components import Adapters, Bundle, assemble
from model.errors import ModelError
from model.families import Family, Parts, family_for
from model.imports import collector_resting
from model.inversions import add_inversions

# Digest only the ends of large weight files: enough to tell two trainings apart, without reading gigabytes.
_DIGEST_BYTES = 1 << 20


@dataclass(frozen=True)
class Source:
    """Where a model comes from, and what is changed about it.

    where: a folder, a hub id (`owner/name`), or a `.safetensors` file. revision: pins a hub id.
    variant: `fp16` and the like, for folders that have several kinds of weights; empty takes what is there.
    tokenizers: for a single file, a folder with `tokenizer` (and `tokenizer_2`), if they do not lie beside the file.
    vae: another autoencoder, a folder with its config and weights.
    schedule: what is changed in the scheduler's config, as `timestep_spacing = "trailing"` for few-step relatives.
    inversions: textual inversions by the word that calls each, as .safetensors files.
    loras: LoRAs by the name that requests call each by, as .safetensors files; every one is checked against the model.
    controlnets, ip_adapters: the same, from a ControlNet's folder, and from an adapter's file and the folder of the
        vision encoder that sees for it.
    """

    where: str
    revision: str | None = None
    variant: str = ""
    tokenizers: str = ""
    vae: str = ""
    schedule: Mapping[str, Any] = field(default_factory=dict)
    inversions: Mapping[str, str] = field(default_factory=dict)
    loras: Mapping[str, str] = field(default_factory=dict)
    controlnets: Mapping[str, str] = field(default_factory=dict)
    ip_adapters: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def load(
    source: Source | str | Path,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | str | None = None,
    local_files_only: bool = False,
) -> Bundle:
    """Load a model; a bare string or path is a source without changes.

    dtype None means float32 on the CPU, bfloat16 on a card that has it and float16 otherwise.
    Raises ModelError with a sentence that says what is missing or damaged.
    """
    if not isinstance(source, Source):
        source = Source(str(source))
    place = torch.device(device)
    with collector_resting():
        return _load(source, place, _dtype(dtype, place), local_files_only)


def _load(source: Source, device: torch.device, dtype: torch.dtype, local_files_only: bool) -> Bundle:
    path = Path(source.where).expanduser()
    if path.suffix.lower() in single_file.SUFFIXES or path.is_file():
        kind, parts = single_file.read(path, Path(source.tokenizers) if source.tokenizers else path.parent, dtype)
        digest = _digest([path], path.parent)
    else:
        folder = path if path.is_dir() else _fetched(source, local_files_only)
        kind, parts = _from_folder(folder, source.variant, dtype)
        digest = _digest(folder.glob("*/*"), folder)
    modules, scheduler = dict(parts.modules), {**parts.scheduler, **source.schedule}
    if source.vae:
        modules["vae"] = _autoencoder(Path(source.vae).expanduser(), kind, dtype)
        digest.update(_digest(Path(source.vae).expanduser().glob("*"), Path(source.vae)).digest())
    for word, file in sorted(source.inversions.items()):
        add_inversions(modules, word, Path(file).expanduser())
        digest.update(f"{word} {file}".encode())
    if source.schedule:
        digest.update(repr(sorted(source.schedule.items())).encode())
    # float16 overflows in the usual autoencoders' last layers; they say so in their config.
    if dtype is torch.float16 and "vae" in modules and modules["vae"].config.get("force_upcast", True):
        modules["vae"] = modules["vae"].to(torch.float32)
    for module in modules.values():
        if isinstance(module, torch.nn.Module):
            module.to(device)
    adapters = _adapters(source, kind, modules, dtype)
    parts = dataclasses.replace(parts, modules=modules, scheduler=scheduler)
    return assemble(kind, parts, fingerprint=digest.hexdigest()[:8], device=device, dtype=dtype, adapters=adapters)


def _adapters(source: Source, kind: type[Family], modules: Mapping[str, Any], dtype: torch.dtype) -> Adapters:
    """All that the model is loaded with, each checked against it."""
    denoiser = modules[kind.denoiser_part]
    if (source.controlnets or source.ip_adapters) and not kind.takes_controls:
        raise ModelError(f"A {kind.name} model takes neither ControlNets nor IP-Adapters here.")
    return Adapters(
        {name: read_lora(Path(file).expanduser(), kind, modules) for name, file in source.loras.items()},
        {
            name: read_controlnet(Path(folder).expanduser(), denoiser, dtype).to(denoiser.device)
            for name, folder in source.controlnets.items()
        },
        {
            name: read_ip_adapter(Path(file).expanduser(), Path(encoder).expanduser(), denoiser, dtype)
            for name, (file, encoder) in source.ip_adapters.items()
        },
    )


def _from_folder(folder: Path, variant: str, dtype: torch.dtype) -> tuple[type[Family], Parts]:
    index = folders.read_json(folder, "model_index.json")
    named = folders.classes(folder, index)
    denoiser = next((name for name in ("unet", "transformer") if name in named), None)
    if denoiser is None:
        raise ModelError(f"The model in {folder} has neither a unet nor a transformer.")
    kind = family_for(named[denoiser], folders.read_json(folder, f"{denoiser}/config.json"), index)
    missing = [name for name in kind.text_parts if name not in named and name not in kind.optional_parts]
    if missing:
        raise ModelError(f"The model in {folder} has no {missing[0]}, which a {kind.name} model needs.")
    reader = folders.Reader(folder, named, variant, dtype)
    modules: dict[str, Any] = {denoiser: reader.weights(denoiser, {kind.denoiser_class}, "diffusers")}
    if "vae" in named:
        modules["vae"] = reader.weights("vae", kind.autoencoders, "diffusers")
    for name, allowed in kind.text_parts.items():
        if name in named:
            modules[name] = reader.text_part(name, allowed)
    scheduler = folders.read_json(folder, "scheduler/scheduler_config.json")
    settings = {name: value for name, value in index.items() if not isinstance(value, list)}
    return kind, Parts(modules, scheduler, settings)


def _autoencoder(folder: Path, kind: type[Family], dtype: torch.dtype) -> Any:
    """Another autoencoder than the model's own: a folder of its own, or one with a `vae` in it."""
    if (folder / "vae" / "config.json").is_file():
        folder = folder / "vae"
    name = folders.read_json(folder, "config.json").get("_class_name")
    reader = folders.Reader(folder.parent, {folder.name: str(name)}, "", dtype)
    return reader.weights(folder.name, kind.autoencoders, "diffusers")


def _fetched(source: Source, local_files_only: bool) -> Path:
    """The folder of a hub id, fetched unless it is there already."""
    where = source.where
    if where.startswith((".", "/", "~")) or where.count("/") != 1:
        raise ModelError(f"There is no model folder {where}.")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    wanted = ["model_index.json", "*/*.json", "*/*.safetensors", "*/*.txt", "*/*.model"]
    others = [] if source.variant else ["*.fp16.*", "*.bf16.*", "*.non_ema.*", "*.fp32.*"]
    try:
        return Path(
            snapshot_download(
                where,
                revision=source.revision,
                local_files_only=local_files_only,
                allow_patterns=wanted,
                ignore_patterns=others,
            )
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise ModelError(f"{where} is neither a model folder nor a model that could be fetched: {error}") from error


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


def _digest(paths: Iterable[Path], root: Path) -> Any:
    """Changes with any config and with any retraining; the same for the same files on every host and device."""
    digest = hashlib.sha256()
    files = [path for path in paths if path.suffix in {".json", ".safetensors", ".txt"}]
    for path in sorted(files, key=lambda path: path.relative_to(root).as_posix()):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(root).as_posix()} {size}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(_DIGEST_BYTES))
            if size > _DIGEST_BYTES:
                file.seek(max(_DIGEST_BYTES, size - _DIGEST_BYTES))
                digest.update(file.read(_DIGEST_BYTES))
    return digest
