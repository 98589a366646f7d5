"""LTX-Video: a flow transformer that draws videos, from words alone or on from a picture, their first frame."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch

from model import tiny_parts
from model.families.flow import FlowFamily
from model.families.qwen_image import padded
from model.family import Condition, Conditions, Parts, TextEncoder
from model.memory import place_of
from model.request import Pixels


class LTXText(TextEncoder):
    """T5's hidden layer, as far as the prompt goes."""

    max_tokens = 128

    def __init__(self, parts: Parts) -> None:
        self._tokenizer, self._encoder = parts.modules["tokenizer"], parts.modules["text_encoder"]

    def encode(self, text: str, pictures: Sequence[Pixels] = ()) -> Condition:
        tokens = self._tokenizer(text, padding="max_length", max_length=self.max_tokens, truncation=True)
        # T5 sees the padding, as it did when the model was taught.
        hidden = self._encoder(torch.tensor([tokens.input_ids], device=place_of(self._encoder)))[0][0]
        return Condition(hidden[: sum(tokens.attention_mask)])


class LTXVideo(FlowFamily):
    """Every position of its latents, in time as in space, is a token. A first frame that is given is clean from the
    start: its tokens stand at time 0, and the velocity leads there from whatever noise it began as."""

    name = "ltx-video"
    denoiser_class = "LTXVideoTransformer3DModel"
    autoencoders: ClassVar[frozenset[str]] = frozenset({"AutoencoderKLLTXVideo"})
    lora_loader = "LTXVideoLoraLoaderMixin"
    text_parts: ClassVar[Mapping[str, frozenset[str]]] = {
        "tokenizer": frozenset({"T5Tokenizer", "T5TokenizerFast"}),
        "text_encoder": frozenset({"T5EncoderModel"}),
    }
    halvings = 0
    frames_per_second = 25

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.latent_channels = self.denoiser.config.in_channels
        self.frames_per_latent = parts.modules["vae"].temporal_compression_ratio

    @classmethod
    def serves(cls, config: Mapping[str, Any], index: Mapping[str, Any]) -> bool:
        return {config.get("patch_size", 1), config.get("patch_size_t", 1)} == {1}

    @classmethod
    def text(cls, parts: Parts) -> TextEncoder | None:
        return LTXText(parts)

    @classmethod
    def tiny(cls, seed: int = 0) -> Parts:
        from diffusers import AutoencoderKLLTXVideo, LTXVideoTransformer3DModel

        torch.manual_seed(seed)
        transformer = LTXVideoTransformer3DModel(
            in_channels=4,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=16,
            cross_attention_dim=32,
            num_layers=2,
            caption_channels=tiny_parts.TEXT_WIDTH,
        )
        vae = AutoencoderKLLTXVideo(
            latent_channels=4,
            block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            layers_per_block=(1,) * 5,
            decoder_layers_per_block=(1,) * 5,
            spatio_temporal_scaling=(True, True, True, False),
            decoder_spatio_temporal_scaling=(True, True, True, False),
            decoder_inject_noise=(False,) * 5,
            upsample_residual=(False,) * 4,
            upsample_factor=(1,) * 4,
            patch_size=1,
            patch_size_t=1,
            encoder_causal=True,
            decoder_causal=False,
        )
        tokenizer = tiny_parts.t5_tokenizer()
        return Parts(
            {
                "transformer": transformer,
                "vae": vae,
                "tokenizer": tokenizer,
                "text_encoder": tiny_parts.t5(tokenizer),
            },
            {
                "_class_name": "FlowMatchEulerDiscreteScheduler",
                "use_dynamic_shifting": True,
                "base_image_seq_len": 1024,
                "base_shift": 0.95,
                "max_shift": 2.05,
                "shift_terminal": 0.1,
            },
            {"_class_name": "LTXPipeline"},
        )

    def native_latent_side(self) -> int | None:
        """512 pixels, with 32 of them to a position."""
        return 16

    def image_tokens(self, sides: Sequence[int]) -> int:
        return math.prod(sides)

    def predict(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        rows = [condition for condition in conditions if condition is not None]
        hidden, mask = padded([row.hidden for row in rows])
        video = latents if latents.ndim == 5 else latents.unsqueeze(2)  # (R, C, F, h, w)
        frames, height, width = video.shape[2:]
        seen, times, first = video, timesteps[:, None].expand(-1, frames * height * width), None
        if rows[0].references:  # a batch's references have the same shapes
            first = torch.stack([row.references[0] for row in rows]).to(video)
            seen = torch.cat([first.unsqueeze(2), video[:, :, 1:]], dim=2)
            times = times.clone()
            times[:, : height * width] = 0
        tokens = self.denoiser(
            hidden_states=seen.flatten(2).transpose(1, 2).to(self.denoiser.dtype),
            encoder_hidden_states=hidden.to(self.denoiser.dtype),
            timestep=times,
            encoder_attention_mask=mask,
            num_frames=frames,
            height=height,
            width=width,
            rope_interpolation_scale=(
                self.frames_per_latent / self.frames_per_second,
                self.pixels_per_latent,
                self.pixels_per_latent,
            ),
            return_dict=False,
        )[0]
        velocity: torch.Tensor = tokens.float().transpose(1, 2).reshape(video.shape)
        if first is not None:
            velocity[:, :, 0] = (video[:, :, 0] - first) / (timesteps / 1000).view(-1, 1, 1, 1)
        return velocity.reshape(latents.shape)
