"""Tiny random models, built in memory in a fraction of a second: for tests and for timings that need no picture.

They have the real classes and the real wiring of their families, only few and narrow layers.
"""

import string
from typing import Any

import torch

from model.components import Bundle
from model.families import family_of
from model.text import ChatText, ClipText

_DIFFUSION = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "clip_sample": False}
_STEPS = {"num_train_timesteps": 1000, "steps_offset": 1, "timestep_spacing": "leading"}
_TEXT_WIDTH = 32


def stable_diffusion(side: int = 32, channels: tuple[int, ...] = (32, 64), seed: int = 0) -> Bundle:
    """Shaped like SD 1.5: one text model, a UNet with cross-attention, an autoencoder that halves three times.

    side: pixels of the native size.
    """
    from diffusers import UNet2DConditionModel

    torch.manual_seed(seed)
    unet = UNet2DConditionModel(
        sample_size=side // 4,
        block_out_channels=channels,
        down_block_types=("DownBlock2D", *["CrossAttnDownBlock2D"] * (len(channels) - 1)),
        up_block_types=(*["CrossAttnUpBlock2D"] * (len(channels) - 1), "UpBlock2D"),
        layers_per_block=1,
        norm_num_groups=8,
        cross_attention_dim=_TEXT_WIDTH,
        attention_head_dim=8,
    )
    text = ClipText([clip_tokenizer()], [_clip_encoder("CLIPTextModel")])
    return _bundle(unet, {**_DIFFUSION, **_STEPS}, _autoencoder(), text)


def stable_diffusion_xl(side: int = 32, seed: int = 0) -> Bundle:
    """Shaped like SDXL: two text models, pooled prompt and picture size as further conditions."""
    from diffusers import UNet2DConditionModel

    torch.manual_seed(seed)
    unet = UNet2DConditionModel(
        sample_size=side // 4,
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        norm_num_groups=8,
        cross_attention_dim=2 * _TEXT_WIDTH,
        attention_head_dim=8,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + _TEXT_WIDTH,
        use_linear_projection=True,
    )
    encoders = [_clip_encoder("CLIPTextModel"), _clip_encoder("CLIPTextModelWithProjection")]
    text = ClipText([clip_tokenizer(), clip_tokenizer()], encoders, zero_negative=True)
    return _bundle(unet, {**_DIFFUSION, **_STEPS}, _autoencoder(), text)


def pixel_ddpm(side: int = 16, seed: int = 0) -> Bundle:
    """An unconditional UNet in pixel space: neither text encoder nor autoencoder."""
    from diffusers import UNet2DModel

    torch.manual_seed(seed)
    unet = UNet2DModel(
        sample_size=side,
        block_out_channels=(16, 32),
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        norm_num_groups=8,
        attention_head_dim=8,
    )
    return _bundle(unet, {"num_train_timesteps": 1000, "beta_schedule": "linear"})


def z_image(seed: int = 0) -> Bundle:
    """Shaped like Z-Image: a language model reads the prompt, a transformer predicts the flow."""
    from diffusers import ZImageTransformer2DModel
    from transformers import Qwen3Config, Qwen3Model

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
    tokenizer = _chat_tokenizer()
    encoder = Qwen3Model(
        Qwen3Config(
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=8,
            vocab_size=len(tokenizer),
        )
    )
    text = ChatText(tokenizer, encoder.eval().requires_grad_(False))
    return _bundle(
        transformer,
        {"shift": 3.0, "use_dynamic_shifting": False},
        _autoencoder(latent_channels=16, shift_factor=0.1),
        text,
    )


def _bundle(denoiser: Any, scheduler_config: dict[str, Any], vae: Any = None, text: Any = None) -> Bundle:
    family = family_of(denoiser.eval().requires_grad_(False))
    return Bundle(family=family, scheduler_config=scheduler_config, vae=vae, text=text)


def _autoencoder(latent_channels: int = 4, shift_factor: float | None = None) -> Any:
    from diffusers import AutoencoderKL

    vae = AutoencoderKL(
        block_out_channels=(16, 16, 32),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=latent_channels,
        norm_num_groups=8,
        shift_factor=shift_factor,
    )
    return vae.eval().requires_grad_(False)


def clip_tokenizer(length: int = 16) -> Any:
    from transformers import CLIPTokenizer

    letters = string.ascii_lowercase + string.digits + ",.-"
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: number for number, word in enumerate(words)}, merges=[], model_max_length=length)


def _clip_encoder(name: str) -> Any:
    import transformers

    tokenizer = clip_tokenizer()
    config = transformers.CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=_TEXT_WIDTH,
        intermediate_size=64,
        projection_dim=_TEXT_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=tokenizer.model_max_length,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return getattr(transformers, name)(config).eval().requires_grad_(False)


def _chat_tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "<unk>", "user", "assistant", *string.ascii_lowercase]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        chat_template="{% for message in messages %}{{ message.role }} {{ message.content }}{% endfor %} assistant",
    )
