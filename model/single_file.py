"""A single `.safetensors` checkpoint, as Civitai and ComfyUI have them: read by diffusers' own single-file converters.

The configs ship with Easel (`model/configs`), so that nothing is fetched from a hub; tokenizers come from a folder.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from model.errors import ModelError
from model.families import Family, Parts
from model.families.stable_diffusion import StableDiffusion
from model.families.stable_diffusion_xl import StableDiffusionXL
from model.folders import POINTER

SUFFIXES = frozenset({".safetensors", ".ckpt", ".pt", ".pth", ".gguf", ".bin"})
"""What the name of a single file ends in."""

_CONFIGS = Path(__file__).parent / "configs"

# By what diffusers calls a checkpoint: its family, and the folder of its configs.
_KINDS: Mapping[str, tuple[type[Family], str]] = {
    "v1": (StableDiffusion, "stable-diffusion"),
    "inpainting": (StableDiffusion, "stable-diffusion-inpainting"),
    "xl_base": (StableDiffusionXL, "stable-diffusion-xl"),
    "xl_inpaint": (StableDiffusionXL, "stable-diffusion-xl-inpainting"),
}
_UNET_KEY = "model.diffusion_model.input_blocks.0.0.weight"


def read(file: Path, tokenizers: Path, dtype: torch.dtype) -> tuple[type[Family], Parts]:
    """The family and the parts of a checkpoint. ModelError with a sentence that says what is wrong with it.

    tokenizers: a folder with `tokenizer`, and `tokenizer_2` for SDXL.
    """
    from diffusers.loaders import single_file_utils

    state = _tensors(file)
    name: str = single_file_utils.infer_diffusers_model_type(state) if _UNET_KEY in state else ""
    if name not in _KINDS:
        what = f"a checkpoint of the kind {name}" if name else "no checkpoint of a Stable Diffusion"
        raise ModelError(
            f"{file} is {what}; as single files Easel reads SD 1.x and SDXL (inpainting ones too): "
            f"get other models as folders in diffusers' layout."
        )
    kind, folder = _KINDS[name]
    modules = _modules(file, state, kind, _CONFIGS / folder, dtype)
    for part in kind.text_parts:
        if part.startswith("tokenizer"):
            modules[part] = _tokenizer(file, tokenizers / part)
    scheduler = json.loads((_CONFIGS / folder / "scheduler" / "scheduler_config.json").read_text(encoding="utf-8"))
    settings = {"force_zeros_for_empty_prompt": kind is StableDiffusionXL}
    return kind, Parts(modules, scheduler, settings)


def _tensors(file: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not file.is_file():
        raise ModelError(f"There is no file {file}.")
    if file.suffix.lower() != ".safetensors":
        raise ModelError(f"{file} may hold code and is not read: get the model as .safetensors.")
    with file.open("rb") as opened:
        if opened.read(len(POINTER)) == POINTER:
            raise ModelError(f"{file} is a Git LFS pointer, not weights: run `git lfs pull`, or download it again.")
    try:
        tensors: dict[str, torch.Tensor] = load_file(file)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{file} is damaged: it cannot be read ({error}).") from error
    return tensors


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
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
        raise ModelError(f"{file} is damaged, or of another model than a {kind.name}: {reason}.") from error
    for part, module in modules.items():
        if missing := [key for key, value in module.state_dict().items() if value.is_meta]:
            raise ModelError(
                f"{file} lacks weights of the {part} ({missing[0]} …): parts may have been left out to make it smaller."
            )
        module.to(dtype)
    return modules


def _tokenizer(file: Path, folder: Path) -> Any:
    from transformers import CLIPTokenizer

    if not folder.is_dir():
        raise ModelError(
            f"{file} is a single file, which holds no tokenizer, and there is no folder {folder}: put a copy of the "
            f"base model's `{folder.name}` folder there, or name its place by `tokenizers` in the catalogue."
        )
    try:
        return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise ModelError(f"The tokenizer in {folder} cannot be loaded ({error}).") from error
