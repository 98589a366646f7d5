"""The parts of a model as one bundle, loaded from a folder or a hub id in diffusers' standard layout.

Parts are handed in, never looked up: real weights and tiny random ones run the same code. Only safetensors weights
are read and no code that comes with a model is ever run.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from model import vae as autoencoder
from model.errors import ModelError
from model.families import Condition, Family, family_of
from model.imports import collector_resting
from model.schedulers import Sampler
from model.text import ChatText, ClipText, PromptCache, TextEncoder

logger = logging.getLogger(__name__)

# The classes a model folder may name, by library. Anything else is refused rather than imported.
_TOKENIZERS = frozenset({"CLIPTokenizer", "CLIPTokenizerFast", "Qwen2Tokenizer", "Qwen2TokenizerFast"})
_TEXT_ENCODERS = frozenset({"CLIPTextModel", "CLIPTextModelWithProjection", "Qwen3Model"})
_DENOISERS = frozenset({"UNet2DConditionModel", "UNet2DModel", "ZImageTransformer2DModel"})
_AUTOENCODERS = frozenset({"AutoencoderKL"})
_UNUSED = frozenset({"scheduler", "feature_extractor", "image_encoder", "safety_checker"})

# Digest only the ends of large weight files: enough to tell two trainings apart, without reading gigabytes.
_DIGEST_BYTES = 1 << 20


@dataclass(eq=False)
class Bundle:
    """A model ready to draw. `text` and `vae` may be None: an unconditional model, a model of pixels.

    fingerprint: eight hexadecimal digits (32 bits) that change when weights or configs do.
    """

    family: Family
    scheduler_config: Mapping[str, Any]
    vae: Any = None
    text: TextEncoder | None = None
    fingerprint: str = ""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: torch.dtype = torch.float32
    prompts: PromptCache | None = field(init=False, default=None)
    _samplers: dict[str, Sampler] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.text is not None:
            self.prompts = PromptCache(self.text)
        if hasattr(self.family, "pixels_per_latent"):
            self.family.pixels_per_latent = self.pixels_per_latent
        self.fingerprint = self.fingerprint or _fingerprint_of_weights(self)

    @property
    def denoiser(self) -> Any:
        return self.family.denoiser

    @property
    def pixels_per_latent(self) -> int:
        return autoencoder.scale_factor(self.vae)

    @property
    def grid(self) -> int:
        """Widths and heights are multiples of this many pixels."""
        return self.pixels_per_latent * 2**self.family.halvings

    @cached_property
    def native_size(self) -> tuple[int, int]:
        """(width, height) in pixels the model was trained on."""
        side = self.family.native_latent_side()
        pixels = 1024 if side is None else side * self.pixels_per_latent
        return pixels, pixels

    @property
    def max_tokens(self) -> int:
        """How many tokens of a prompt the model reads; the rest is cut. 0 without a text encoder."""
        return 0 if self.text is None else self.text.max_tokens

    @property
    def samplers(self) -> frozenset[str]:
        return self.family.samplers

    def sampler(self, name: str) -> Sampler:
        """The sampler `name` with this model's noise schedule."""
        if name not in self.samplers:
            raise ModelError(f"This model has no sampler “{name}”; it has {', '.join(sorted(self.samplers))}.")
        if name not in self._samplers:
            self._samplers[name] = Sampler(name, self.scheduler_config)
        return self._samplers[name]

    def condition(self, text: str | None) -> Condition | None:
        """The encoded prompt, from the cache where possible; None for a model that reads no prompts."""
        return None if self.prompts is None else self.prompts.get(text)

    def latent_shape(self, width: int, height: int) -> tuple[int, int, int]:
        """(C, h, w) of one image of this size."""
        factor = self.pixels_per_latent
        return self.family.latent_channels, height // factor, width // factor


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
        return _load(folder, source, torch.device(device), dtype)


def _load(folder: Path, source: str | Path, device: torch.device, dtype: torch.dtype | str | None) -> Bundle:
    index = _read_json(folder, "model_index.json")
    parts = {
        name: entry[1]
        for name, entry in index.items()
        if isinstance(entry, list) and len(entry) == 2 and entry[1] and name not in _UNUSED
    }
    dtype = _dtype(dtype, device)
    denoiser_name = next((name for name in ("unet", "transformer") if name in parts), None)
    if denoiser_name is None:
        raise ModelError(f"The model in {source} has neither a unet nor a transformer.")
    denoiser = _load_part(folder, denoiser_name, parts, _DENOISERS, "diffusers", device, dtype)
    vae = None
    if "vae" in parts:
        # float16 overflows in the usual autoencoders' last layers; they say so in their config.
        vae = _load_part(folder, "vae", parts, _AUTOENCODERS, "diffusers", device, dtype)
        if dtype is torch.float16 and vae.config.get("force_upcast", True):
            vae = vae.to(torch.float32)
    names = [name for name in ("text_encoder", "text_encoder_2") if name in parts]
    encoders = [_load_part(folder, name, parts, _TEXT_ENCODERS, "transformers", device, dtype) for name in names]
    tokenizers = [_load_tokenizer(folder, name.replace("text_encoder", "tokenizer"), parts) for name in names]
    text: TextEncoder | None = None
    if encoders and parts["text_encoder"].startswith("CLIP"):
        text = ClipText(tokenizers, encoders, bool(index.get("force_zeros_for_empty_prompt")))
    elif encoders:
        text = ChatText(tokenizers[0], encoders[0])
    return Bundle(
        family=family_of(denoiser),
        scheduler_config=_read_json(folder, "scheduler/scheduler_config.json"),
        vae=vae,
        text=text,
        fingerprint=_fingerprint_of_files(folder),
        device=device,
        dtype=dtype,
    )


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


def _class(name: str, parts: Mapping[str, str], allowed: frozenset[str], library: str) -> Any:
    import importlib

    if parts.get(name) not in allowed:
        raise ModelError(f"Easel cannot load a {parts.get(name)} as {name}; it knows {', '.join(sorted(allowed))}.")
    return getattr(importlib.import_module(library), parts[name])


def _load_part(
    folder: Path,
    name: str,
    parts: Mapping[str, str],
    allowed: frozenset[str],
    library: str,
    device: torch.device,
    dtype: torch.dtype,
) -> Any:
    part_class = _class(name, parts, allowed, library)
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
    return part.to(device).eval().requires_grad_(False)


def _load_tokenizer(folder: Path, name: str, parts: Mapping[str, str]) -> Any:
    tokenizer_class = _class(name, parts, _TOKENIZERS, "transformers")
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


def _fingerprint_of_weights(bundle: Bundle) -> str:
    """For bundles built in memory: the denoiser's weights themselves."""
    digest = hashlib.sha256()
    for name, weight in bundle.denoiser.state_dict().items():
        digest.update(f"{name} {tuple(weight.shape)}".encode())
        digest.update(weight.flatten()[:64].float().cpu().numpy().tobytes())
    return digest.hexdigest()[:8]
