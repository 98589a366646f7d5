"""Stable Diffusion 3 and 3.5: a flow transformer that reads two CLIP models and, where it is there, T5."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch

from model import tiny_parts
from model.clip import clip_tokens
from model.families.flow import FlowFamily
from model.family import Condition, Conditions, Parts, TextEncoder
from model.memory import place_of
from model.request import Pixels
from model.t5 import t5_hidden


class StableDiffusion3Text(TextEncoder):
    """CLIP's penultimate layers side by side, then T5's last one; both CLIPs' pooled prompts. Zeros stand for no T5."""

    max_tokens = 256

    def __init__(self, parts: Parts) -> None:
        self._parts = parts.modules
        self._width: int = parts.modules["transformer"].config.joint_attention_dim

    def encode(self, text: str, pictures: Sequence[Pixels] = ()) -> Condition:
        hidden, pooled = [], []
        for name in ("", "_2"):
            encoder = self._parts[f"text_encoder{name}"]
            tokens = clip_tokens(self._parts[f"tokenizer{name}"], text).to(place_of(encoder))
            output = encoder(tokens, output_hidden_states=True)
            hidden.append(output.hidden_states[-2][0])
            pooled.append(output[0][0])
        clip = torch.cat(hidden, dim=-1)
        clip = torch.nn.functional.pad(clip, (0, self._width - clip.shape[-1]))
        if (encoder := self._parts.get("text_encoder_3")) is None:
            long = clip.new_zeros(self.max_tokens, self._width)
        else:
            long = t5_hidden(self._parts["tokenizer_3"], encoder, text, self.max_tokens).to(clip.dtype)
        return Condition(torch.cat([clip, long]), torch.cat(pooled))


class StableDiffusion3(FlowFamily):
    """Takes latents as they are and makes its own patches."""

    name = "stable-diffusion-3"
    denoiser_class = "SD3Transformer2DModel"
    lora_loader = "SD3LoraLoaderMixin"
    keeps_blocks = True
    text_parts: ClassVar[Mapping[str, frozenset[str]]] = {
        "tokenizer": frozenset({"CLIPTokenizer", "CLIPTokenizerFast"}),
        "text_encoder": frozenset({"CLIPTextModelWithProjection"}),
        "tokenizer_2": frozenset({"CLIPTokenizer", "CLIPTokenizerFast"}),
        "text_encoder_2": frozenset({"CLIPTextModelWithProjection"}),
        "tokenizer_3": frozenset({"T5Tokenizer", "T5TokenizerFast"}),
        "text_encoder_3": frozenset({"T5EncoderModel"}),
    }
    optional_parts = frozenset({"tokenizer_3", "text_encoder_3"})

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.latent_channels = self.denoiser.config.in_channels

    @classmethod
    def text(cls, parts: Parts) -> TextEncoder | None:
        return StableDiffusion3Text(parts)

    @classmethod
    def tiny(cls, seed: int = 0) -> Parts:
        from diffusers import SD3Transformer2DModel

        torch.manual_seed(seed)
        transformer = SD3Transformer2DModel(
            sample_size=16,
            patch_size=2,
            in_channels=16,
            out_channels=16,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=2 * tiny_parts.TEXT_WIDTH,
            caption_projection_dim=32,
            pooled_projection_dim=2 * tiny_parts.TEXT_WIDTH,
            pos_embed_max_size=16,
            qk_norm="rms_norm",
        )
        tokenizer = tiny_parts.t5_tokenizer()
        return Parts(
            {
                "transformer": transformer,
                # No shift: diffusers 0.42 forgets it where its inpainting pipeline decodes.
                "vae": tiny_parts.autoencoder(latent_channels=16, shift_factor=0.0),
                "tokenizer": tiny_parts.clip_tokenizer(),
                "text_encoder": tiny_parts.clip("CLIPTextModelWithProjection"),
                "tokenizer_2": tiny_parts.clip_tokenizer(),
                "text_encoder_2": tiny_parts.clip("CLIPTextModelWithProjection"),
                "tokenizer_3": tokenizer,
                "text_encoder_3": tiny_parts.t5(tokenizer, width=2 * tiny_parts.TEXT_WIDTH),
            },
            {"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0},
            {"_class_name": "StableDiffusion3Pipeline"},
        )

    def timestep_arguments(self, steps: int, sides: Sequence[int], scheduler: Mapping[str, Any]) -> dict[str, Any]:
        """The scheduler's own sigmas."""
        if not scheduler.get("use_dynamic_shifting"):
            return {}
        tokens = self.image_tokens(sides)
        return {"mu": self.shift(steps, tokens, {"max_shift": 1.16, **scheduler})}

    def predict(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        rows = [condition for condition in conditions if condition is not None]
        velocity: torch.Tensor = self.denoiser(
            hidden_states=latents.to(self.denoiser.dtype),
            timestep=timesteps,
            encoder_hidden_states=torch.stack([row.hidden for row in rows]),
            pooled_projections=torch.stack([row.pooled for row in rows if row.pooled is not None]),
            return_dict=False,
        )[0]
        return velocity.float()
