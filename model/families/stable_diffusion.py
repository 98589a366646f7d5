"""Stable Diffusion 1.x and 2.x, and Easel's own small model: a UNet that takes the prompt by cross-attention."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from model import tiny_parts
from model.clip import ClipText
from model.families.unet import TextUNet
from model.family import Parts, TextEncoder
from model.spelling import lexicon_of


class StableDiffusion(TextUNet):
    """One CLIP text model, whose last layer is the condition."""

    name = "stable-diffusion"
    lora_loader = "StableDiffusionLoraLoaderMixin"
    text_parts: ClassVar[Mapping[str, frozenset[str]]] = {
        "tokenizer": frozenset({"CLIPTokenizer", "CLIPTokenizerFast"}),
        "text_encoder": frozenset({"CLIPTextModel"}),
    }

    @classmethod
    def serves(cls, config: Mapping[str, Any], index: Mapping[str, Any]) -> bool:
        return config.get("addition_embed_type") in (None, "text")

    @classmethod
    def schedule(cls, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """As StableDiffusionPipeline mends the configs of early models."""
        return {**config, "clip_sample": False, "steps_offset": 1}

    @classmethod
    def text(cls, parts: Parts) -> TextEncoder | None:
        tokenizer = parts.modules["tokenizer"]
        return ClipText([tokenizer], [parts.modules["text_encoder"]], lexicon=lexicon_of(tokenizer))

    @classmethod
    def tiny(cls, seed: int = 0, side: int = 32, channels: tuple[int, ...] = (32, 64), **unet_config: Any) -> Parts:
        """side: pixels of the native size. unet_config: what else the UNet's config says."""
        from diffusers import UNet2DConditionModel

        torch.manual_seed(seed)
        unet = UNet2DConditionModel(
            sample_size=side // 4,
            block_out_channels=channels,
            down_block_types=("DownBlock2D", *["CrossAttnDownBlock2D"] * (len(channels) - 1)),
            up_block_types=(*["CrossAttnUpBlock2D"] * (len(channels) - 1), "UpBlock2D"),
            layers_per_block=1,
            norm_num_groups=8,
            cross_attention_dim=tiny_parts.TEXT_WIDTH,
            attention_head_dim=8,
            **unet_config,
        )
        return Parts(
            {
                "unet": unet,
                "vae": tiny_parts.autoencoder(),
                "tokenizer": tiny_parts.clip_tokenizer(),
                "text_encoder": tiny_parts.clip("CLIPTextModel"),
            },
            tiny_parts.DIFFUSION_SCHEDULE,
        )
