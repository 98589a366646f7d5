"""Stable Diffusion XL and its few-step relatives: a UNet that also takes the pooled prompt and the picture's size."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from model import tiny_parts
from model.clip import ClipText
from model.families.unet import Added, TextUNet
from model.family import Conditions, Parts, TextEncoder

_SECOND_WIDTH = 48  # of the tiny second text encoder: not that of the first, by which checkpoints are told apart


class StableDiffusionXL(TextUNet):
    """Two CLIP text models: both penultimate layers, and the second's pooled prompt."""

    name = "stable-diffusion-xl"
    lora_loader = "StableDiffusionXLLoraLoaderMixin"
    text_parts: ClassVar[Mapping[str, frozenset[str]]] = {
        "tokenizer": frozenset({"CLIPTokenizer", "CLIPTokenizerFast"}),
        "text_encoder": frozenset({"CLIPTextModel"}),
        "tokenizer_2": frozenset({"CLIPTokenizer", "CLIPTokenizerFast"}),
        "text_encoder_2": frozenset({"CLIPTextModelWithProjection"}),
    }

    @classmethod
    def serves(cls, config: Mapping[str, Any], index: Mapping[str, Any]) -> bool:
        return config.get("addition_embed_type") == "text_time"

    @classmethod
    def text(cls, parts: Parts) -> TextEncoder | None:
        names = ("", "_2")
        return ClipText(
            [parts.modules[f"tokenizer{name}"] for name in names],
            [parts.modules[f"text_encoder{name}"] for name in names],
            zero_negative=bool(parts.settings.get("force_zeros_for_empty_prompt")),
        )

    @classmethod
    def tiny(cls, seed: int = 0, side: int = 32, second_layers: int = 2) -> Parts:
        """side: pixels of the native size. second_layers: of the second text encoder."""
        from diffusers import UNet2DConditionModel

        torch.manual_seed(seed)
        unet = UNet2DConditionModel(
            sample_size=side // 4,
            block_out_channels=(32, 64),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            norm_num_groups=8,
            cross_attention_dim=tiny_parts.TEXT_WIDTH + _SECOND_WIDTH,
            attention_head_dim=8,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + _SECOND_WIDTH,
            use_linear_projection=True,
        )
        return Parts(
            {
                "unet": unet,
                "vae": tiny_parts.autoencoder(),
                "tokenizer": tiny_parts.clip_tokenizer(),
                "text_encoder": tiny_parts.clip("CLIPTextModel"),
                "tokenizer_2": tiny_parts.clip_tokenizer(),
                "text_encoder_2": tiny_parts.clip("CLIPTextModelWithProjection", _SECOND_WIDTH, second_layers),
            },
            tiny_parts.DIFFUSION_SCHEDULE,
            {"force_zeros_for_empty_prompt": True},
        )

    def added(self, conditions: Conditions, latent_size: tuple[int, int]) -> Added:
        pooled = torch.stack([row.pooled for row in conditions if row is not None and row.pooled is not None])
        height, width = (side * self.pixels_per_latent for side in latent_size)
        size = torch.tensor([height, width, 0, 0, height, width], dtype=pooled.dtype, device=pooled.device)
        return {"text_embeds": pooled, "time_ids": size.expand(len(pooled), 6)}
