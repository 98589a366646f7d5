"""FLUX.2-klein: a flow transformer with a language model's hidden layers as prompt and reference pictures as tokens."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch

from model import tiny_parts
from model.chat import ChatText
from model.families.flow import FlowFamily
from model.family import Condition, Conditions, Guidance, Parts, TextEncoder
from model.request import Pixels

# Where the picture's tokens lie on the first axis of their positions: the picture itself at 0, references from here on.
_REFERENCE_DISTANCE = 10
_REFERENCE_PIXELS = 1024 * 1024


class Flux2Klein(FlowFamily):
    """Every position of its latents is a patch already, so a token. Distilled ones take no guidance."""

    name = "flux2-klein"
    denoiser_class = "Flux2Transformer2DModel"
    autoencoders: ClassVar[frozenset[str]] = frozenset({"AutoencoderKLFlux2"})
    lora_loader = "Flux2LoraLoaderMixin"
    text_parts: ClassVar[Mapping[str, frozenset[str]]] = {
        "tokenizer": frozenset({"Qwen2Tokenizer", "Qwen2TokenizerFast"}),
        "text_encoder": frozenset({"Qwen3ForCausalLM"}),
    }
    halvings = 0
    max_references = 4

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.latent_channels = self.denoiser.config.in_channels
        self.guidance = Guidance.NONE if parts.settings.get("is_distilled") else Guidance.CLASSIFIER_FREE

    @classmethod
    def serves(cls, config: Mapping[str, Any], index: Mapping[str, Any]) -> bool:
        # FLUX.2-dev takes the scale as an input, and another prompt.
        return not config.get("guidance_embeds", True) and index.get("_class_name") != "Flux2KleinKVPipeline"

    @classmethod
    def text(cls, parts: Parts) -> TextEncoder | None:
        tokenizer, encoder = parts.modules["tokenizer"], parts.modules["text_encoder"]
        return ChatText(tokenizer, encoder, layers=(9, 18, 27), thinking=False, whole=True)

    @classmethod
    def tiny(cls, seed: int = 0) -> Parts:
        from diffusers import AutoencoderKLFlux2, Flux2Transformer2DModel

        torch.manual_seed(seed)
        transformer = Flux2Transformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=2,
            num_single_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=3 * 16,
            timestep_guidance_channels=16,
            axes_dims_rope=(4, 4, 4, 4),
            guidance_embeds=False,
        )
        vae = AutoencoderKLFlux2(
            block_out_channels=(16, 16, 32),
            down_block_types=("DownEncoderBlock2D",) * 3,
            up_block_types=("UpDecoderBlock2D",) * 3,
            latent_channels=4,
            norm_num_groups=8,
        )
        with torch.no_grad():  # as trained weights have them: not zero and one
            vae.bn.running_mean.copy_(torch.linspace(-0.5, 0.5, 16))
            vae.bn.running_var.copy_(torch.linspace(0.5, 2.0, 16))
        tokenizer = tiny_parts.chat_tokenizer()
        return Parts(
            {
                "transformer": transformer,
                "vae": vae,
                "tokenizer": tokenizer,
                "text_encoder": tiny_parts.qwen3("Qwen3ForCausalLM", tokenizer, layers=27),
            },
            {"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0, "use_dynamic_shifting": True},
            {"_class_name": "Flux2KleinPipeline", "is_distilled": False},
        )

    def image_tokens(self, sides: Sequence[int]) -> int:
        height, width = sides
        return height * width

    def shift(self, steps: int, tokens: int, scheduler: Mapping[str, Any]) -> float:
        """As measured by the model's authors: linear in the tokens and in the steps (`compute_empirical_mu`)."""
        many = 0.00016927 * tokens + 0.45666666  # at 200 steps
        if tokens > 4300:
            return many
        few = 8.73809524e-05 * tokens + 1.89833333  # at 10 steps
        slope = (many - few) / 190.0
        return slope * steps + (many - 200.0 * slope)

    def reference(self, picture: Pixels) -> torch.Tensor:
        from diffusers.pipelines.flux2.image_processor import Flux2ImageProcessor
        from PIL import Image

        processor = Flux2ImageProcessor(vae_scale_factor=self.pixels_per_latent)
        image = Image.fromarray(picture)
        if image.width * image.height > _REFERENCE_PIXELS:
            image = processor._resize_to_target_area(image, _REFERENCE_PIXELS)
        width, height = (side // self.pixels_per_latent * self.pixels_per_latent for side in image.size)
        pixels: torch.Tensor = processor.preprocess(image, height=height, width=width, resize_mode="crop")
        return pixels

    def predict(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        rows = [condition for condition in conditions if condition is not None]
        if not rows[0].references:
            return self._drawn(latents, timesteps, rows)
        seen, places = self._seen(rows)
        return self._drawn(latents, timesteps, rows, seen, places)

    def _seen(self, rows: Sequence[Condition]) -> tuple[torch.Tensor, torch.Tensor]:
        """The references of rows as tokens (R, T, C), and their positions (T, 4); a batch's have the same shapes."""
        tokens, places = [], []
        for place in range(len(rows[0].references)):
            references = torch.stack([row.references[place] for row in rows])
            tokens.append(references.flatten(2).transpose(1, 2).to(self.denoiser.dtype))
            places.append(_positions(_REFERENCE_DISTANCE * (place + 1), *references.shape[-2:]))
        return torch.cat(tokens, dim=1), torch.cat(places)

    def _drawn(
        self,
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        rows: Sequence[Condition],
        seen: torch.Tensor | None = None,
        places: torch.Tensor | None = None,
        **more: Any,
    ) -> torch.Tensor:
        """The velocity of the picture's own tokens. seen, places: tokens behind them, and where those lie."""
        hidden = torch.stack([row.hidden for row in rows])
        tokens = latents.flatten(2).transpose(1, 2).to(self.denoiser.dtype)
        positions = _positions(0, *latents.shape[-2:])
        if seen is not None and places is not None:
            tokens, positions = torch.cat([tokens, seen], dim=1), torch.cat([positions, places])
        velocity = self.denoiser(
            hidden_states=tokens,
            timestep=timesteps.to(tokens.dtype) / 1000,
            encoder_hidden_states=hidden,
            img_ids=positions.to(latents.device),
            txt_ids=text_positions(hidden.shape[1]).to(latents.device),
            guidance=None,
            return_dict=False,
            **more,
        )[0]
        drawn: torch.Tensor = velocity[:, : latents[0, 0].numel()].transpose(1, 2).reshape(latents.shape)
        return drawn.float()


def _positions(time: int, height: int, width: int) -> torch.Tensor:
    """(h*w, 4): time, row, column, layer of each token of a picture."""
    return torch.cartesian_prod(torch.tensor([time]), torch.arange(height), torch.arange(width), torch.arange(1))


def text_positions(length: int) -> torch.Tensor:
    """(L, 4): tokens of a prompt differ in the last axis."""
    return torch.cartesian_prod(torch.arange(1), torch.arange(1), torch.arange(1), torch.arange(length))
