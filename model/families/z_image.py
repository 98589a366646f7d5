"""Z-Image: a flow-matching transformer that takes rows of any size, prompt length and timestep in one batch."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from model import tiny_parts
from model.chat import ChatText
from model.families.flow import FlowFamily
from model.family import Conditions, Parts, Rows, TextEncoder


class ZImage(FlowFamily):
    """Its time runs from 0 (noise) to 1 (picture) and its output is the negative of the scheduler's velocity."""

    name = "z-image"
    denoiser_class = "ZImageTransformer2DModel"
    lora_loader = "ZImageLoraLoaderMixin"
    text_parts: ClassVar[Mapping[str, frozenset[str]]] = {
        "tokenizer": frozenset({"Qwen2Tokenizer", "Qwen2TokenizerFast"}),
        "text_encoder": frozenset({"Qwen3Model"}),
    }
    mixes_shapes = True

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.latent_channels = self.denoiser.in_channels

    def native_latent_side(self) -> int | None:
        """What its positions reach, where that is less than usual."""
        side = 2 * min(self.denoiser.config.axes_lens[1:])
        return side if side * self.pixels_per_latent < 1024 else None

    @classmethod
    def text(cls, parts: Parts) -> TextEncoder | None:
        return ChatText(parts.modules["tokenizer"], parts.modules["text_encoder"])

    @classmethod
    def tiny(cls, seed: int = 0) -> Parts:
        from diffusers import ZImageTransformer2DModel

        torch.manual_seed(seed)
        transformer = ZImageTransformer2DModel(
            in_channels=16,
            dim=32,
            n_layers=2,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
            cap_feat_dim=16,
            axes_dims=[8, 4, 4],
            axes_lens=[600, 32, 32],
        )
        # The real weights fill these; random memory would make the tiny model differ from run to run.
        with torch.no_grad():
            for name in ("x_pad_token", "cap_pad_token"):
                getattr(transformer, name).copy_(torch.zeros_like(getattr(transformer, name)))
        tokenizer = tiny_parts.chat_tokenizer()
        return Parts(
            {
                "transformer": transformer,
                "vae": tiny_parts.autoencoder(latent_channels=16, shift_factor=0.1),
                "tokenizer": tokenizer,
                "text_encoder": tiny_parts.qwen3("Qwen3Model", tokenizer),
            },
            {"shift": 3.0, "use_dynamic_shifting": False},
        )

    def predict(self, latents: Rows, timesteps: torch.Tensor, conditions: Conditions) -> Any:
        rows = [row.to(self.denoiser.dtype).unsqueeze(1) for row in latents]  # (C, 1, h, w) each: one frame
        prompts = [condition.hidden for condition in conditions if condition is not None]
        velocity = self.denoiser(rows, (1000 - timesteps) / 1000, prompts, return_dict=False)[0]
        outputs = [-row.squeeze(1).float() for row in velocity]
        return torch.stack(outputs) if isinstance(latents, torch.Tensor) else outputs
