"""A single `.safetensors` checkpoint, as Civitai and ComfyUI have them: read by diffusers' own single-file converters.

The configs ship with Easel (`model/configs`), so that nothing is fetched from a hub; tokenizers come from a folder. A
FLUX.1's file holds its transformer alone: the text encoders and the autoencoder come from that folder as well.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from model.errors import ModelError
from model.families import Family, Parts
from model.families.flux import Flux
from model.families.flux_fill import FluxFill
from model.families.stable_diffusion import StableDiffusion
from model.families.stable_diffusion_xl import StableDiffusionXL
from model.folders import Reader, first_line, header, read_tensors, refuse_quantised

SUFFIXES = frozenset({".safetensors", ".ckpt", ".pt", ".pth", ".gguf", ".bin"})
"""What the name of a single file ends in."""

_CONFIGS = Path(__file__).parent / "configs"

# By what diffusers calls a checkpoint: its family, and the folder of its configs. A Kontext looks as a FLUX.1 dev does.
_KINDS: Mapping[str, tuple[type[Family], str]] = {
    "v1": (StableDiffusion, "stable-diffusion"),
    "inpainting": (StableDiffusion, "stable-diffusion-inpainting"),
    "xl_base": (StableDiffusionXL, "stable-diffusion-xl"),
    "xl_inpaint": (StableDiffusionXL, "stable-diffusion-xl-inpainting"),
    "flux-dev": (Flux, "flux"),
    "flux-schnell": (Flux, "flux-schnell"),
    "flux-fill": (FluxFill, "flux-fill"),
}
_KEYS = ("model.diffusion_model.input_blocks.0.0.weight", "double_blocks.0.img_attn.norm.key_norm.scale")
"""What a UNet's checkpoint holds, and what a FLUX.1's does."""


def read(file: Path, beside: Path, dtype: torch.dtype) -> tuple[type[Family], Parts]:
    """The family and the parts of a checkpoint. ModelError with a sentence that says what is wrong with it.

    beside: a folder with what the file does not hold: `tokenizer`, for SDXL `tokenizer_2`, for FLUX.1 all parts of its
    folder but the transformer.
    """
    from diffusers.loaders import single_file_utils

    if file.suffix.lower() == ".gguf":
        raise ModelError(
            f"{file} holds a denoiser alone: name the base model's folder as `source` in the catalogue, and this file "
            f"as its `denoiser`."
        )
    state = read_tensors(file, "checkpoint")
    types = header(file)
    refuse_quantised(file, types)
    _refuse_others(file, types)
    known = any(key.endswith(known) for known in _KEYS for key in state)
    name: str = single_file_utils.infer_diffusers_model_type(state) if known else ""
    if name not in _KINDS:
        what = f"a checkpoint of the kind {name}" if name else "no checkpoint of a Stable Diffusion or FLUX.1"
        raise ModelError(
            f"{file} is {what}; as single files Easel reads SD 1.x and SDXL (inpainting ones too) and FLUX.1: "
            f"get other models as folders in diffusers' layout."
        )
    kind, folder = _KINDS[name]
    configs = _CONFIGS / folder
    if kind.denoiser_part == "unet":
        modules = _modules(file, state, kind, configs, dtype)
    else:
        modules = _transformer(file, state, kind, configs, dtype) | _companions(file, beside, kind, dtype)
    for part in kind.text_parts:
        if part.startswith("tokenizer"):
            modules[part] = _tokenizer(file, beside / part, min(kind.text_parts[part]))
    scheduler = json.loads((configs / "scheduler" / "scheduler_config.json").read_text(encoding="utf-8"))
    settings = {"force_zeros_for_empty_prompt": kind is StableDiffusionXL}
    return kind, Parts(modules, scheduler, settings)


_OTHERS: Sequence[tuple[str, str]] = (
    (r"\.lora_(down|up|[AB])\.|\.lora\.(down|up)\.", "a LoRA: name it in `loras` of its base model's entry"),
    (r"^control_model\.|^controlnet_", "a ControlNet: name its folder in `controlnets` of a model's entry"),
    (r"^ip_adapter\.", "an IP-Adapter: name it in `ip_adapters` of a model's entry"),
    (
        r"^(emb_params|clip_[lg]|string_to_param\..*)$",
        "a textual inversion: name it in `inversions` of a model's entry",
    ),
)
_AUTOENCODER = re.compile(r"^(first_stage_model\.)?(encoder|decoder|quant_conv|post_quant_conv)\.")


def _refuse_others(file: Path, names: Collection[str]) -> None:
    """ModelError for what goes with a model and is none, with what to do with it. names: of its tensors."""
    for pattern, what in _OTHERS:
        if any(re.search(pattern, name) for name in names):
            raise ModelError(f"{file} is {what} in the catalogue.")
    if names and all(_AUTOENCODER.match(name) for name in names):
        raise ModelError(
            f"{file} is an autoencoder alone: give its folder as `vae` to a model's entry in the catalogue."
        )


def _transformer(
    file: Path, state: dict[str, torch.Tensor], kind: type[Family], configs: Path, dtype: torch.dtype
) -> dict[str, Any]:
    import diffusers

    try:
        transformer = getattr(diffusers, kind.denoiser_class).from_single_file(
            dict(state), config=str(configs), subfolder="transformer", local_files_only=True, torch_dtype=dtype
        )
    except Exception as error:  # the converters raise whatever they stumble over
        raise ModelError(f"{file} is damaged, or of another model than a {kind.name}: {first_line(error)}.") from error
    _check_whole(file, "transformer", transformer)
    return {"transformer": transformer.to(dtype)}


def _companions(file: Path, beside: Path, kind: type[Family], dtype: torch.dtype) -> dict[str, Any]:
    """The autoencoder and the text encoders of a folder in diffusers' layout."""
    named = {part: min(allowed) for part, allowed in kind.text_parts.items() if part.startswith("text_encoder")}
    named["vae"] = min(kind.autoencoders)
    if missing := [part for part in named if not (beside / part).is_dir()]:
        raise ModelError(
            f"{file} holds a transformer only, and there is no folder {beside / missing[0]}: put the base model's "
            f"other folders there, or name their place by `tokenizers` in the catalogue."
        )
    reader = Reader(beside, named, "", dtype)
    modules = {part: reader.text_part(part, {name}) for part, name in named.items() if part != "vae"}
    return {"vae": reader.weights("vae", kind.autoencoders, "diffusers"), **modules}


def _check_whole(file: Path, part: str, module: torch.nn.Module) -> None:
    if missing := [key for key, value in module.state_dict().items() if value.is_meta]:
        raise ModelError(
            f"{file} lacks weights of the {part} ({missing[0]} …): parts may have been left out to make it smaller."
        )


def _modules(
    file: Path, state: dict[str, torch.Tensor], kind: type[Family], configs: Path, dtype: torch.dtype
) -> dict[str, Any]:
    import diffusers
    import transformers
    from diffusers.loaders import single_file_utils

    modules: dict[str, Any] = {}
    try:
        for part, name in (("unet", "UNet2DConditionModel"), ("vae", "AutoencoderKL")):
            modules[part] = getattr(diffusers, name).from_single_file(
                dict(state), config=str(configs), subfolder=part, local_files_only=True, torch_dtype=dtype
            )
        for part, (name, *_) in kind.text_parts.items():  # one class each
            if part.startswith("text_encoder"):
                modules[part] = single_file_utils.create_diffusers_clip_model_from_ldm(
                    getattr(transformers, name),
                    checkpoint=state,
                    subfolder=part,
                    config=str(configs),
                    torch_dtype=dtype,
                    local_files_only=True,
                )
    except Exception as error:  # the converters raise whatever they stumble over
        raise ModelError(f"{file} is damaged, or of another model than a {kind.name}: {first_line(error)}.") from error
    for part, module in modules.items():
        _check_whole(file, part, module)
        module.to(dtype)
    return modules


def _tokenizer(file: Path, folder: Path, name: str) -> Any:
    import transformers

    if not folder.is_dir():
        raise ModelError(
            f"{file} is a single file, which holds no tokenizer, and there is no folder {folder}: put a copy of the "
            f"base model's `{folder.name}` folder there, or name its place by `tokenizers` in the catalogue."
        )
    try:
        return getattr(transformers, name).from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise ModelError(f"The tokenizer in {folder} cannot be loaded ({first_line(error)}).") from error
