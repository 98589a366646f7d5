"""Sana: a linear transformer on latents of 32x32 pixels each, with Gemma as the reader of prompts."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch

from model import tiny_parts
from model.families.flow import FlowFamily
from model.families.qwen_image import padded
from model.family import Condition, Conditions, Parts, TextEncoder
from model.memory import place_of
from model.request import Pixels


class SanaText(TextEncoder):
    """Gemma's last layer. A prompt stands behind the instruction that the model knows, a negative one does not."""

    max_tokens = 300

    def __init__(self, tokenizer: Any, encoder: Any) -> None:
        self.tokenizer, self.encoder = tokenizer, encoder
        tokenizer.padding_side = "right"
        self._instruction_tokens = len(tokenizer.encode(_INSTRUCTION))

    def encode(self, text: str, pictures: Sequence[Pixels] = ()) -> Condition:
        return self._encoded(_INSTRUCTION + text.lower().strip(), self._instruction_tokens + self.max_tokens - 2)

    def encode_against(self, text: str | None, pictures: Sequence[Pixels] = ()) -> Condition:
        return self._encoded((text or "").lower().strip(), self.max_tokens)

    def _encoded(self, text: str, length: int) -> Condition:
        tokens = self.tokenizer(text, padding="max_length", max_length=length, truncation=True)
        ids, mask = (
            torch.tensor([numbers], device=place_of(self.encoder))
            for numbers in (tokens.input_ids, tokens.attention_mask)
        )
        hidden = self.encoder(ids, attention_mask=mask)[0][0]
        chosen = [0, *range(length - self.max_tokens + 1, length)]  # the first token and the last ones
        return Condition(hidden[[place for place in chosen if tokens.attention_mask[place]]])


class Sana(FlowFamily):
    """Every position of its latents is a token."""

    name = "sana"
    denoiser_class = "SanaTransformer2DModel"
    autoencoders: ClassVar[frozenset[str]] = frozenset({"AutoencoderDC"})
    lora_loader = "SanaLoraLoaderMixin"
    keeps_blocks = True
    text_parts: ClassVar[Mapping[str, frozenset[str]]] = {
        "tokenizer": frozenset({"GemmaTokenizer", "GemmaTokenizerFast"}),
        "text_encoder": frozenset({"Gemma2Model"}),
    }
    halvings = 0
    default_sampler = "flow_dpmpp_2m"

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.latent_channels = self.denoiser.config.in_channels

    @classmethod
    def serves(cls, config: Mapping[str, Any], index: Mapping[str, Any]) -> bool:
        return not config.get("guidance_embeds")  # Sana-Sprint has another scheduler

    @classmethod
    def text(cls, parts: Parts) -> TextEncoder | None:
        return SanaText(parts.modules["tokenizer"], parts.modules["text_encoder"])

    @classmethod
    def tiny_transformer(cls, **config: Any) -> Any:
        """A transformer of few and narrow layers."""
        from diffusers import SanaTransformer2DModel

        return SanaTransformer2DModel(
            in_channels=4,
            out_channels=4,
            num_layers=1,
            num_attention_heads=2,
            attention_head_dim=8,
            num_cross_attention_heads=2,
            cross_attention_head_dim=8,
            cross_attention_dim=16,
            caption_channels=16,
            sample_size=8,
            **config,
        )

    @classmethod
    def tiny(cls, seed: int = 0) -> Parts:
        from diffusers import AutoencoderDC

        torch.manual_seed(seed)
        transformer = cls.tiny_transformer()
        vae = AutoencoderDC(
            in_channels=3,
            latent_channels=4,
            attention_head_dim=2,
            encoder_block_types=("ResBlock", "EfficientViTBlock"),
            decoder_block_types=("ResBlock", "EfficientViTBlock"),
            encoder_block_out_channels=(8, 8),
            decoder_block_out_channels=(8, 8),
            encoder_qkv_multiscales=((), (5,)),
            decoder_qkv_multiscales=((), (5,)),
            encoder_layers_per_block=(1, 1),
            decoder_layers_per_block=(1, 1),
            downsample_block_type="conv",
            upsample_block_type="interpolate",
            decoder_norm_types="rms_norm",
            decoder_act_fns="silu",
            scaling_factor=0.41407,
        )
        tokenizer = tiny_parts.gemma_tokenizer()
        return Parts(
            {
                "transformer": transformer,
                "vae": vae,
                "tokenizer": tokenizer,
                "text_encoder": tiny_parts.gemma(tokenizer),
            },
            {
                "_class_name": "DPMSolverMultistepScheduler",
                "use_flow_sigmas": True,
                "prediction_type": "flow_prediction",
                "flow_shift": 3.0,
            },
            {"_class_name": "SanaPipeline"},
        )

    def timestep_arguments(self, steps: int, sides: Sequence[int], scheduler: Mapping[str, Any]) -> dict[str, Any]:
        """The scheduler's own sigmas."""
        return {}

    def predict(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        hidden, mask = padded([condition.hidden for condition in conditions if condition is not None])
        velocity: torch.Tensor = self.denoiser(
            latents.to(self.denoiser.dtype),
            encoder_hidden_states=hidden.to(self.denoiser.dtype),
            encoder_attention_mask=None if mask is None else mask.to(torch.int64),
            timestep=timesteps * self.denoiser.config.timestep_scale,
            return_dict=False,
        )[0]
        return velocity[:, : self.latent_channels].float()  # a learned variance may follow, which no sampler takes


_INSTRUCTION = "\n".join(
    [
        "Given a user prompt, generate an 'Enhanced prompt' that provides detailed visual descriptions suitable for "
        "image generation. Evaluate the level of detail in the user prompt:",
        "- If the prompt is simple, focus on adding specifics about colors, shapes, sizes, textures, and spatial "
        "relationships to create vivid and concrete scenes.",
        "- If the prompt is already detailed, refine and enhance the existing details slightly without "
        "overcomplicating.",
        "Here are examples of how to transform or refine prompts:",
        "- User Prompt: A cat sleeping -> Enhanced: A small, fluffy white cat curled up in a round shape, sleeping "
        "peacefully on a warm sunny windowsill, surrounded by pots of blooming red flowers.",
        "- User Prompt: A busy city street -> Enhanced: A bustling city street scene at dusk, featuring glowing street "
        "lamps, a diverse crowd of people in colorful clothing, and a double-decker bus passing by towering glass "
        "skyscrapers.",
        "Please generate only the enhanced description for the prompt below and avoid including any additional "
        "commentary or evaluations:",
        "User Prompt: ",
    ]
)
