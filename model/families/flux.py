"""FLUX.1: schnell (distilled to four steps, no guidance) and dev (guidance is an input of the transformer)."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch

from model import tiny_parts
from model.clip import clip_tokens
from model.families.flow import FlowFamily
from model.families.patches import packed, unpacked
from model.family import Condition, Conditions, Guidance, Parts, TextEncoder
from model.memory import place_of
from model.request import Pixels
from model.t5 import t5_hidden


class FluxText(TextEncoder):
    """T5's hidden layer, and CLIP's pooled prompt."""

    def __init__(self, parts: Parts, max_tokens: int) -> None:
        self._parts, self.max_tokens = parts.modules, max_tokens

    def encode(self, text: str, pictures: Sequence[Pixels] = ()) -> Condition:
        clip = self._parts["text_encoder"]
        pooled = clip(clip_tokens(self._parts["tokenizer"], text).to(place_of(clip))).pooler_output[0]
        hidden = t5_hidden(self._parts["tokenizer_2"], self._parts["text_encoder_2"], text, self.max_tokens)
        return Condition(hidden, pooled)


class Flux(FlowFamily):
    """Tokens are patches of 2x2 latents; there are no negative rows."""

    name = "flux"
    denoiser_class = "FluxTransformer2DModel"
    lora_loader = "FluxLoraLoaderMixin"
    keeps_blocks = True
    text_parts: ClassVar[Mapping[str, frozenset[str]]] = {
        "tokenizer": frozenset({"CLIPTokenizer", "CLIPTokenizerFast"}),
        "text_encoder": frozenset({"CLIPTextModel"}),
        "tokenizer_2": frozenset({"T5Tokenizer", "T5TokenizerFast"}),
        "text_encoder_2": frozenset({"T5EncoderModel"}),
    }

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        config = self.denoiser.config
        self.latent_channels = (config.out_channels or config.in_channels) // 4
        self.guidance = Guidance.EMBEDDED if config.guidance_embeds else Guidance.NONE

    @classmethod
    def serves(cls, config: Mapping[str, Any], index: Mapping[str, Any]) -> bool:
        return config.get("in_channels") in (16, 64) and index.get("_class_name") in (None, "FluxPipeline")

    @classmethod
    def text(cls, parts: Parts) -> TextEncoder | None:
        guided = parts.modules["transformer"].config.guidance_embeds
        return FluxText(parts, 512 if guided else 256)

    @classmethod
    def tiny_transformer(cls, **channels: int) -> Any:
        """A transformer of few and narrow layers."""
        from diffusers import FluxTransformer2DModel

        return FluxTransformer2DModel(
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=tiny_parts.TEXT_WIDTH,
            pooled_projection_dim=tiny_parts.TEXT_WIDTH,
            guidance_embeds=True,
            axes_dims_rope=(4, 4, 8),
            **channels,
        )

    @classmethod
    def tiny(cls, seed: int = 0) -> Parts:
        torch.manual_seed(seed)
        transformer = cls.tiny_transformer(in_channels=16)
        tokenizer = tiny_parts.t5_tokenizer()
        return Parts(
            {
                "transformer": transformer,
                "vae": tiny_parts.autoencoder(shift_factor=0.1),
                "tokenizer": tiny_parts.clip_tokenizer(),
                "text_encoder": tiny_parts.clip("CLIPTextModel"),
                "tokenizer_2": tokenizer,
                "text_encoder_2": tiny_parts.t5(tokenizer),
            },
            {"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": True, "shift": 3.0},
            {"_class_name": "FluxPipeline"},
        )

    def predict(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        rows = [condition for condition in conditions if condition is not None]
        height, width = latents.shape[-2:]
        hidden = torch.stack([row.hidden for row in rows])
        guidance = None
        if self.guidance is Guidance.EMBEDDED:
            guidance = torch.tensor([row.guidance or 1.0 for row in rows], device=latents.device)
        positions = [_positions(0, height // 2, width // 2)]
        if self.takes_mask:
            latents = torch.cat(
                [latents, torch.stack([row.channels for row in rows if row.channels is not None])], dim=1
            )
        tokens = packed(latents).to(self.denoiser.dtype)
        if rows[0].references:  # a batch's references have the same shapes
            references = torch.stack([row.references[0] for row in rows])
            tokens = torch.cat([tokens, packed(references).to(tokens)], dim=1)
            positions.append(_positions(1, references.shape[-2] // 2, references.shape[-1] // 2))
        velocity = self.denoiser(
            hidden_states=tokens,
            timestep=timesteps.to(self.denoiser.dtype) / 1000,
            guidance=guidance,
            pooled_projections=torch.stack([row.pooled for row in rows if row.pooled is not None]),
            encoder_hidden_states=hidden,
            txt_ids=torch.zeros(hidden.shape[1], 3, device=latents.device),
            img_ids=torch.cat(positions).to(latents.device),
            return_dict=False,
        )[0]
        return unpacked(velocity[:, : height * width // 4], height, width).float()


def _positions(picture: int, height: int, width: int) -> torch.Tensor:
    """(h*w, 3): picture, row, column of each token."""
    return torch.cartesian_prod(torch.tensor([picture]), torch.arange(height), torch.arange(width)).float()
