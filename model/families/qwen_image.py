"""Qwen-Image: a flow transformer whose prompts, of any length, are read by a language model that can see."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch

from model import tiny_parts
from model.families.flow import FlowFamily
from model.families.patches import packed, unpacked
from model.family import Condition, Conditions, Parts, TextEncoder, Weight
from model.memory import place_of
from model.request import Pixels

_TEMPLATE = (
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, spatial "
    "relationships of the objects and background:<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)
_TEMPLATE_TOKENS = 34


class QwenText(TextEncoder):
    """The last hidden layer of the language model, without the template before the prompt."""

    max_tokens = 1024

    def __init__(self, tokenizer: Any, encoder: Any) -> None:
        self.tokenizer, self.encoder = tokenizer, encoder

    def encode(self, text: str, pictures: Sequence[Pixels] = ()) -> Condition:
        tokens = self.tokenizer(
            [_TEMPLATE.format(text)],
            max_length=self.max_tokens + _TEMPLATE_TOKENS,
            truncation=True,
            return_tensors="pt",
        ).to(place_of(self.encoder))
        states = self.encoder(
            input_ids=tokens.input_ids, attention_mask=tokens.attention_mask, output_hidden_states=True
        ).hidden_states
        return Condition(states[-1][0, _TEMPLATE_TOKENS:][: self.max_tokens])

    def encode_against(self, text: str | None, pictures: Sequence[Pixels] = ()) -> Condition:
        return self.encode(text or " ", pictures)


class QwenImage(FlowFamily):
    """Guidance keeps the length of the prediction, token by token."""

    name = "qwen-image"
    denoiser_class = "QwenImageTransformer2DModel"
    autoencoders: ClassVar[frozenset[str]] = frozenset({"AutoencoderKLQwenImage"})
    lora_loader = "QwenImageLoraLoaderMixin"
    keeps_blocks = True
    text_parts: ClassVar[Mapping[str, frozenset[str]]] = {
        "tokenizer": frozenset({"Qwen2Tokenizer", "Qwen2TokenizerFast"}),
        "text_encoder": frozenset({"Qwen2_5_VLForConditionalGeneration"}),
    }

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.latent_channels = self.denoiser.config.in_channels // 4

    @classmethod
    def serves(cls, config: Mapping[str, Any], index: Mapping[str, Any]) -> bool:
        return "processor" not in index and not config.get("use_layer3d_rope")

    @classmethod
    def text(cls, parts: Parts) -> TextEncoder | None:
        return QwenText(parts.modules["tokenizer"], parts.modules["text_encoder"])

    @classmethod
    def tiny(cls, seed: int = 0) -> Parts:
        from diffusers import AutoencoderKLQwenImage, QwenImageTransformer2DModel

        torch.manual_seed(seed)
        transformer = QwenImageTransformer2DModel(
            patch_size=2,
            in_channels=16,
            out_channels=4,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            axes_dims_rope=(8, 4, 4),
        )
        vae = AutoencoderKLQwenImage(
            base_dim=8,
            z_dim=4,
            dim_mult=[1, 2, 2],
            num_res_blocks=1,
            temperal_downsample=[False, True],
            latents_mean=[0.1, -0.1, 0.2, 0.0],
            latents_std=[1.1, 0.9, 1.2, 1.0],
        )
        tokenizer = tiny_parts.chat_tokenizer()
        return Parts(
            {
                "transformer": transformer,
                "vae": vae,
                "tokenizer": tokenizer,
                "text_encoder": tiny_parts.qwen_vl(tokenizer),
            },
            {"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": True, "max_shift": 0.9},
            {"_class_name": "QwenImagePipeline"},
        )

    def guided(self, parts: Sequence[tuple[torch.Tensor, Weight]], against: torch.Tensor, scale: float) -> torch.Tensor:
        mixed = packed(super().guided(parts, against, scale))
        plain = packed(torch.stack([part * weight for part, weight in parts]).sum(0))
        lengths = plain.norm(dim=-1, keepdim=True) / mixed.norm(dim=-1, keepdim=True)
        return unpacked(mixed * lengths, *against.shape[-2:])

    def predict(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        rows = [condition for condition in conditions if condition is not None]
        hidden, mask = padded([row.hidden for row in rows])
        height, width = latents.shape[-2:]
        tokens = packed(latents).to(self.denoiser.dtype)
        shapes = [(1, height // 2, width // 2)]
        for place in range(len(rows[0].references)):  # a batch's references have the same shapes
            references = torch.stack([row.references[place] for row in rows])
            tokens = torch.cat([tokens, packed(references).to(tokens)], dim=1)
            shapes.append((1, references.shape[-2] // 2, references.shape[-1] // 2))
        velocity = self.denoiser(
            hidden_states=tokens,
            timestep=timesteps.to(tokens.dtype) / 1000,
            encoder_hidden_states=hidden,
            encoder_hidden_states_mask=mask,
            img_shapes=[shapes] * len(rows),
            return_dict=False,
        )[0]
        return unpacked(velocity[:, : height * width // 4], height, width).float()


def padded(prompts: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Prompts (L_r, D) as one batch (R, L, D) with its mask (R, L), None where all are of one length."""
    lengths = [len(prompt) for prompt in prompts]
    batch = torch.nn.utils.rnn.pad_sequence(list(prompts), batch_first=True)
    if min(lengths) == max(lengths):
        return batch, None
    return batch, torch.arange(max(lengths), device=batch.device) < torch.tensor(lengths, device=batch.device)[:, None]
