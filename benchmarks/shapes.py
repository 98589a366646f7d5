"""Random weights in the shapes of SD 1.5 and SDXL: for anything static they take the time of the real ones."""

from collections.abc import Callable
from typing import Any

import torch

from model.components import Bundle, assemble
from model.families import FAMILIES, Parts
from model.loading import load
from model.tiny_parts import clip_tokenizer

from .measure import DEFAULT, timed

_SD15_UNET = {"sample_size": 64, "cross_attention_dim": 768}
_SDXL_UNET = {
    "sample_size": 128,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
    "use_linear_projection": True,
}
_SLIM_UNET = {
    "sample_size": 128,
    "block_out_channels": (32, 64, 128),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (1, 2, 4),
    "cross_attention_dim": 64,
    "use_linear_projection": True,
}
"""SDXL's levels and depth with a tenth of its width: 1024x1024 can be drawn on a processor."""
_VAE = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
}
_UNETS: dict[str, dict[str, Any]] = {"sd15": _SD15_UNET, "sdxl": _SDXL_UNET, "slim": _SLIM_UNET}
_SLIM_VAE: dict[str, Any] = {**_VAE, "block_out_channels": (16, 32, 64, 64), "norm_num_groups": 8}
_CLIP_SLIM = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 1}
_CLIP_L = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
_CLIP_G = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20}
_SCHEDULER = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "clip_sample": False}

# UNet forward of one row at native size, attention included, in TFLOP; see the roofline in the project's notes.
ROW_TFLOP = {"sd15": 0.803, "sdxl": 6.761}


def bundle(shape: str, device: str) -> tuple[Bundle, Any]:
    """The bundle, and the folder the stock side loads it from (None: built around the bundle's parts)."""
    if shape == "default":
        return load(DEFAULT, device=device), DEFAULT
    return random_bundle(shape, torch.device(device)), None


def random_bundle(shape: str, device: torch.device) -> Bundle:
    """SD 1.5 (`sd15`), SDXL (`sdxl`) or its levels with little width (`slim`), random, bfloat16 on a card."""
    import diffusers
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    torch.manual_seed(0)

    def made(build: Callable[[], Any]) -> Any:
        with torch.device(device):
            return build().to(dtype)

    def clip(kind: Any, size: dict[str, int]) -> Any:
        config = CLIPTextConfig(vocab_size=len(tokenizer), projection_dim=size["hidden_size"], **size)
        return made(lambda: kind(config))

    tokenizer = clip_tokenizer(length=77)
    modules = {
        "unet": made(lambda: diffusers.UNet2DConditionModel(**_UNETS[shape])),
        "vae": made(lambda: diffusers.AutoencoderKL(**(_SLIM_VAE if shape == "slim" else _VAE))),
        "tokenizer": tokenizer,
        "text_encoder": clip(CLIPTextModel, _CLIP_SLIM if shape == "slim" else _CLIP_L),
    }
    if shape == "sdxl":
        modules |= {"tokenizer_2": tokenizer, "text_encoder_2": clip(CLIPTextModelWithProjection, _CLIP_G)}
    kind = FAMILIES["stable-diffusion-xl" if shape == "sdxl" else "stable-diffusion"]
    parts = Parts(modules, _SCHEDULER, {"force_zeros_for_empty_prompt": True})
    return assemble(kind, parts, device=device, dtype=dtype)


def matmul_peak_tflops(device: torch.device) -> float:
    """What a large matrix product reaches here and now, in TFLOP/s: the yardstick of the same run."""
    size = 8192 if device.type == "cuda" else 1024
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    best = min(timed(lambda: a @ b, device)[0] for _ in range(12))
    return 2 * size**3 / best / 1e12
