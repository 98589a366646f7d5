"""Loads a model: from a folder or a hub id in diffusers' standard layout, or from a single checkpoint file.

Only safetensors weights are read and no code that comes with a model, or that its config points to, is ever run.
"""

import dataclasses
import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from model import folders, hub, single_file
from model.adapters.controlnet import read_controlnet
from model.adapters.ip_adapter import read_ip_adapter
from model.adapters.lora import read_lora
from model.components import Adapters, Bundle, assemble, taught
from model.errors import ModelError, NoRoom, failure
from model.families import Family, Parts, family_for
from model.forecast import forecast, weights_of
from model.imports import collector_resting
from model.inversions import add_inversions
from model.memory import free_bytes, mebibytes
from model.placement import largest_layer, placed, stream
from model.quantised import Quantisation, quantise, read_denoiser, read_text_encoder
from model.schedulers import check_schedule

# Digest only the ends of large weight files: enough to tell two trainings apart, without reading gigabytes.
_DIGEST_BYTES = 1 << 20
_DENOISERS = ("unet", "transformer")
# Of a card's free memory; the libraries' own workspaces and the gaps between tensors take the rest.
_SHARE = 0.9


@dataclass(frozen=True)
class Source:
    """Where a model comes from, and what is changed about it.

    where: a folder, a hub id (`owner/name`), or a `.safetensors` file. revision: pins a hub id.
    variant: `fp16` and the like, for folders that have several kinds of weights; empty takes what is there.
    tokenizers: for a single file, a folder with `tokenizer` (and `tokenizer_2`), if they do not lie beside the file.
    vae: another autoencoder, a folder with its config and weights.
    denoiser: other weights of the denoiser, a `.gguf` or `.safetensors` file; the folder's own need not be there.
    text_encoders: other weights of text encoders by the part's name, `.gguf` files; the folder's own need not be there.
    quantised: what the weights of a part are changed into, such as {"text_encoder": "int8"} (`model.quantised`).
    vae_tiling: large pictures are decoded in tiles, in less memory; their seams differ a little.
    schedule: what is changed in the scheduler's config, as `timestep_spacing = "trailing"` for few-step relatives.
    student: a folder in the model's with a denoiser distilled from its own, for few steps without guidance.
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
    denoiser: str = ""
    text_encoders: Mapping[str, str] = field(default_factory=dict)
    quantised: Mapping[str, Quantisation] = field(default_factory=dict)
    vae_tiling: bool = False
    schedule: Mapping[str, Any] = field(default_factory=dict)
    student: str = ""
    inversions: Mapping[str, str] = field(default_factory=dict)
    loras: Mapping[str, str] = field(default_factory=dict)
    controlnets: Mapping[str, str] = field(default_factory=dict)
    ip_adapters: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def weight_files(self) -> list[Path]:
        """The files that its weights will be read from; none of a hub id that is not here yet."""
        path = Path(self.where).expanduser()
        if path.is_file():
            return [path]
        kept = [*_DENOISERS, "vae"]
        parts = [folder for folder in path.glob("*") if folder.name in kept or folder.name.startswith("text_encoder")]
        files = [file for folder in parts for file in folders.weight_files(folder, self.variant)]
        if self.vae:
            own = Path(self.vae).expanduser()
            files = [file for file in files if file.parent.name != "vae"]
            files += [*own.glob("*.safetensors"), *own.glob("vae/*.safetensors")]
        if self.denoiser:
            files = [file for file in files if file.parent.name not in _DENOISERS]
            files.append(Path(self.denoiser).expanduser())
        return sorted(file for file in files if file.parent.name not in self.text_encoders)


def load(
    source: Source | str | Path,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | str | None = None,
    budget: int | None = None,
    spare: Path | None = None,
    whole: bool = False,
    local_files_only: bool = False,
    graphs: Path | None = None,
) -> Bundle:
    """Load a model; a bare string or path is a source without changes.

    dtype None means float32 on the CPU, bfloat16 on a card that has it and float16 otherwise.
    budget: how many bytes of the device it may take at work; what does not fit comes layer by layer. None: what a card
    has free, and all that it needs of a processor's memory. spare: a folder where weights lie that a processor's
    memory has no room for. whole: nothing may come layer by layer: NoRoom where it would have to.
    graphs: where graphs are kept; on a processor, parts whose graphs lie there stay asleep (`model.asleep`).
    Raises ModelError with a sentence that says what is missing or damaged, or that it does not fit.
    """
    if not isinstance(source, Source):
        source = Source(str(source))
    try:
        with collector_resting():
            place = torch.device(device)
            if graphs is not None and budget is None and not whole and _dtype(dtype, place) is torch.float32:
                asleep = _asleep(source, place, graphs)
                if asleep is not None:
                    return asleep
            bundle = _load(source, place, _dtype(dtype, place), local_files_only)
            if budget is None and (whole or place.type == "cuda"):
                budget = int(free_bytes(place) * _SHARE)
            _settle(bundle, budget, spare, whole)
    except ModelError:
        raise
    except Exception as error:  # of a damaged model, whatever the libraries stumble over
        raise failure(f"{source.where} cannot be loaded on {device}", error) from error
    return bundle


def _asleep(source: Source, device: torch.device, graphs: Path) -> Bundle | None:
    """The model with its parts asleep; None for one with changes, for another device than the processor, and where
    something of its graphs is missing."""
    folder = Path(source.where).expanduser()
    plain = source == Source(source.where, source.revision, student=source.student)
    if not plain or not folder.is_dir() or device.type != "cpu" or not find_spec("onnxruntime"):
        return None
    from model.asleep import sleeping

    return sleeping(folder, fingerprint_of(folder), source.student, graphs, lambda: load(source, dtype=torch.float32))


def _load(source: Source, device: torch.device, dtype: torch.dtype, local_files_only: bool) -> Bundle:
    """The model with its weights in the system's memory; its adapters are on the device already."""
    path = Path(source.where).expanduser()
    if path.is_file() or (path.suffix.lower() in single_file.SUFFIXES and not path.is_dir()):
        if source.denoiser or source.text_encoders:
            raise ModelError(f"{path} is a single file: it takes neither another denoiser nor other text encoders.")
        folder = path.parent
        kind, parts = single_file.read(path, Path(source.tokenizers) if source.tokenizers else folder, dtype)
        digest = _digest([path], path.parent)
    else:
        folder = path if path.is_dir() else fetched(source, local_files_only=local_files_only)
        kind, parts = _from_folder(folder, source, dtype)
        digest = _digest(folder.glob("*/*"), folder)
    modules, scheduler = dict(parts.modules), {**parts.scheduler, **source.schedule}
    _check_tokenizers(modules)
    _check_weights(modules, source.where)
    if source.vae:
        modules["vae"] = _autoencoder(Path(source.vae).expanduser(), kind, dtype)
        digest.update(_digest(Path(source.vae).expanduser().glob("*"), Path(source.vae)).digest())
    if source.denoiser:
        file = Path(source.denoiser).expanduser()
        digest.update(_digest([file], file.parent).digest())
    for _, file in sorted((name, Path(file).expanduser()) for name, file in source.text_encoders.items()):
        digest.update(_digest([file], file.parent).digest())
    for word, file in sorted((word, Path(file).expanduser()) for word, file in source.inversions.items()):
        add_inversions(modules, word, file)
        digest.update(f"{word} {file}".encode())
    if source.schedule:
        digest.update(repr(sorted(source.schedule.items())).encode())
    # float16 overflows in the usual autoencoders' last layers; they say so in their config.
    if dtype is torch.float16 and "vae" in modules and modules["vae"].config.get("force_upcast", True):
        modules["vae"] = modules["vae"].to(torch.float32)
    if source.vae_tiling:
        _tile(modules.get("vae"))
        digest.update(b"tiled")
    for name, quantisation in sorted(source.quantised.items()):
        if name not in modules or not isinstance(modules[name], torch.nn.Module) or name == "vae":
            have = ", ".join(sorted({kind.denoiser_part, *(name for name in modules if name.startswith("text_enc"))}))
            raise ModelError(f"There is no “{name}” to quantise in this model; there are {have}.")
        quantise(name, modules[name], quantisation, dtype)
        digest.update(f"{name} {quantisation}".encode())
    check_schedule(scheduler, kind.schedules)
    adapters = _adapters(source, kind, modules, device, dtype)
    parts = dataclasses.replace(parts, modules=modules, scheduler=scheduler)
    fingerprint = digest.hexdigest()[:8]
    bundle = assemble(kind, parts, fingerprint=fingerprint, device=device, dtype=dtype, adapters=adapters)
    if source.student:
        bundle.student = taught(bundle, _student(folder, source, kind, dtype).to(device))
    return bundle


def _student(folder: Path, source: Source, kind: type[Family], dtype: torch.dtype) -> Any:
    """The few-step denoiser in a part of the model's folder."""
    named = {source.student: str(folders.read_json(folder, f"{source.student}/config.json").get("_class_name"))}
    reader = folders.Reader(folder, named, source.variant, dtype)
    student = reader.weights(source.student, {kind.denoiser_class}, "diffusers")
    _check_weights({source.student: student}, str(folder))
    return student


def _settle(bundle: Bundle, budget: int | None, spare: Path | None, whole: bool) -> None:
    """Move a bundle's parts to its device, those that fit into the budget; the others will come layer by layer."""
    device, parts = bundle.device, bundle.parts.modules
    modules = {name: part for name, part in parts.items() if isinstance(part, torch.nn.Module)}
    if budget is not None:
        layers = {name: largest_layer(part) for name, part in modules.items()}
        beside = sum(weights_of(bundle.adapters.modules).values())
        if bundle.student is not None:
            beside += sum(weights_of({"student": bundle.student.denoiser}).values())
        bundle.placement = placed(forecast(bundle), layers, bundle.family.denoiser_part, budget, beside)
    if whole and bundle.placement.streamed:
        raise NoRoom(f"It needs more than the {mebibytes(budget or 0)} that are left beside what is loaded.")
    for name, part in modules.items():
        if name not in bundle.placement.streamed:
            part.to(device)
        elif device.type != "cpu":
            stream(part, device)
        elif spare is None:
            raise ModelError(f"Its {name} has no room in the memory that it may take, and no folder to lie in.")
        else:
            stream(part, device, spare / bundle.fingerprint / name)


def _check_weights(modules: Mapping[str, Any], where: str) -> None:
    """ModelError when a weight is no number: what needs it could not be drawn, and a first picture may not need it.

    A sum is read as fast as memory gives it, and one such number is enough to make it none.
    """
    for part, module in modules.items():
        if not isinstance(module, torch.nn.Module):
            continue
        blank = True
        for name, weight in module.named_parameters():
            total = float(weight.detach().sum(dtype=torch.float32)) if weight.is_floating_point() else 1.0
            if not math.isfinite(total):
                raise ModelError(
                    f"The {part} of {where} is damaged: its {name} has numbers that are none (NaN or infinity)."
                )
            blank = blank and total == 0
        if blank:
            raise ModelError(f"The {part} of {where} is damaged: all its weights are zero.")


def _check_tokenizers(modules: Mapping[str, Any]) -> None:
    """ModelError when a tokenizer knows words, or gives prompts a length, that its text encoder does not have; or when
    it knows less than half of its words, as one whose vocabulary was lost does."""
    for name, encoder in modules.items():
        tokenizer = modules.get(name.replace("text_encoder", "tokenizer"))
        if not name.startswith("text_encoder") or tokenizer is None:
            continue
        words, rows = len(tokenizer), encoder.get_input_embeddings().num_embeddings
        if not rows / 2 <= words <= rows:
            raise ModelError(
                f"The tokenizer has {words} words and the {name} knows {rows}: they belong to different models."
            )
        length, positions = tokenizer.model_max_length, getattr(encoder.config, "max_position_embeddings", None)
        if "CLIP" in type(encoder).__name__ and length > positions:
            raise ModelError(
                f"The tokenizer of the {name} cuts prompts at {length} tokens, the {name} reads {positions}: its "
                f"tokenizer_config.json is missing, or of another model."
                if length < 1 << 30
                else f"The tokenizer of the {name} does not say where it cuts prompts: its tokenizer_config.json is "
                f"missing, or of another model."
            )


def _tile(vae: Any) -> None:
    if not hasattr(vae, "enable_tiling"):
        raise ModelError("This model's autoencoder cannot decode in tiles: leave `vae_tiling` out.")
    vae.enable_tiling()


def _adapters(
    source: Source, kind: type[Family], modules: Mapping[str, Any], device: torch.device, dtype: torch.dtype
) -> Adapters:
    """All that the model is loaded with, each checked against it."""
    denoiser = modules[kind.denoiser_part]
    if (source.controlnets or source.ip_adapters) and not kind.takes_controls:
        raise ModelError(f"A {kind.name} model takes neither ControlNets nor IP-Adapters here.")
    return Adapters(
        {name: read_lora(Path(file).expanduser(), kind, modules, device, dtype) for name, file in source.loras.items()},
        {
            name: read_controlnet(Path(folder).expanduser(), denoiser, dtype).to(device)
            for name, folder in source.controlnets.items()
        },
        {
            name: read_ip_adapter(Path(file).expanduser(), Path(encoder).expanduser(), denoiser, device, dtype)
            for name, (file, encoder) in source.ip_adapters.items()
        },
    )


def _from_folder(folder: Path, source: Source, dtype: torch.dtype) -> tuple[type[Family], Parts]:
    index = folders.read_json(folder, "model_index.json")
    named = folders.classes(folder, index)
    denoiser = next((name for name in _DENOISERS if name in named), None)
    if denoiser is None:
        raise ModelError(f"The model in {folder} has neither a unet nor a transformer.")
    kind = family_for(named[denoiser], folders.read_json(folder, f"{denoiser}/config.json"), index)
    missing = [name for name in kind.text_parts if name not in named and name not in kind.optional_parts]
    if missing:
        raise ModelError(f"The model in {folder} has no {missing[0]}, which a {kind.name} model needs.")
    reader = folders.Reader(folder, named, source.variant, dtype)
    if source.denoiser:
        own = Path(source.denoiser).expanduser()
        modules: dict[str, Any] = {denoiser: read_denoiser(own, kind.denoiser_class, folder / denoiser, dtype)}
    else:
        modules = {denoiser: reader.weights(denoiser, {kind.denoiser_class}, "diffusers")}
    if "vae" in named:
        modules["vae"] = reader.weights("vae", kind.autoencoders, "diffusers")
    encoders = [name for name in kind.text_parts if name in named and name.startswith("text_encoder")]
    for name in source.text_encoders:
        if name not in encoders:
            raise ModelError(
                f"There is no “{name}” in this model to read from a file; there are {', '.join(encoders)}."
            )
    for name, allowed in kind.text_parts.items():
        if file := source.text_encoders.get(name):
            own = Path(file).expanduser()
            modules[name] = read_text_encoder(own, reader.class_name(name, allowed), folder / name, dtype)
        elif name in named:
            modules[name] = reader.text_part(name, allowed)
    scheduler = folders.read_json(folder, "scheduler/scheduler_config.json")
    settings = {name: value for name, value in index.items() if not isinstance(value, list)}
    return kind, Parts(modules, scheduler, settings)


def _autoencoder(folder: Path, kind: type[Family], dtype: torch.dtype) -> Any:
    """Another autoencoder than the model's own: a folder of its own, or one with a `vae` in it."""
    if folder.is_file():
        raise ModelError(f"The autoencoder {folder} is a file: name a folder that has its config beside the weights.")
    if (folder / "vae" / "config.json").is_file():
        folder = folder / "vae"
    name = folders.read_json(folder, "config.json").get("_class_name")
    reader = folders.Reader(folder.parent, {folder.name: str(name)}, "", dtype)
    autoencoder = reader.weights(folder.name, kind.autoencoders, "diffusers")
    _check_weights({"vae": autoencoder}, str(folder))
    return autoencoder


def fetched(source: Source, *, local_files_only: bool = False) -> Path:
    """The folder of a hub id, fetched unless it is there already. ModelError when it cannot be had."""
    wanted = ("model_index.json", "*/*.json", "*/*.safetensors", "*/*.txt", "*/*.model")
    others = () if source.variant else ("*.fp16.*", "*.bf16.*", "*.non_ema.*", "*.fp32.*")
    return hub.fetched(source.where, wanted, others, revision=source.revision, local_files_only=local_files_only)


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


def fingerprint_of(path: Path) -> str:
    """The fingerprint that a folder or file alone gives its model, without loading it: the same on every host."""
    if path.is_file():
        return str(_digest([path], path.parent).hexdigest())[:8]
    return str(_digest(path.glob("*/*"), path).hexdigest())[:8]


def _digest(paths: Iterable[Path], root: Path) -> Any:
    """Changes with any config and with any retraining; the same for the same files on every host and device."""
    digest = hashlib.sha256()
    files = [path for path in paths if path.suffix in {".json", ".safetensors", ".txt", ".gguf"}]
    for path in sorted(files, key=lambda path: path.relative_to(root).as_posix()):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(root).as_posix()} {size}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(_DIGEST_BYTES))
            if size > _DIGEST_BYTES:
                file.seek(max(_DIGEST_BYTES, size - _DIGEST_BYTES))
                digest.update(file.read(_DIGEST_BYTES))
    return digest
