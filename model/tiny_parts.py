"""Tokenizers, text encoders and autoencoders of the real classes with random weights and few, narrow layers."""

import string
from typing import Any

DIFFUSION_SCHEDULE = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "steps_offset": 1,
    "timestep_spacing": "leading",
}
TEXT_WIDTH = 32


def autoencoder(latent_channels: int = 4, shift_factor: float | None = None) -> Any:
    """An AutoencoderKL that halves twice."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(16, 16, 32),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=latent_channels,
        norm_num_groups=8,
        shift_factor=shift_factor,
    )


def clip_tokenizer(length: int = 16) -> Any:
    """Every letter is a token."""
    from transformers import CLIPTokenizer

    letters = string.ascii_lowercase + string.digits + ",.-"
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: number for number, word in enumerate(words)}, merges=[], model_max_length=length)


def clip(name: str) -> Any:
    """A CLIP text model of the class `name`."""
    import transformers

    tokenizer = clip_tokenizer()
    config = transformers.CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=TEXT_WIDTH,
        intermediate_size=64,
        projection_dim=TEXT_WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=tokenizer.model_max_length,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return getattr(transformers, name)(config)


def chat_tokenizer() -> Any:
    """Every letter is a token; messages are put in a row."""
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


def qwen3(name: str, tokenizer: Any, layers: int = 2) -> Any:
    """A Qwen3 language model of the class `name`."""
    import transformers

    config = transformers.Qwen3Config(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        vocab_size=len(tokenizer),
    )
    return getattr(transformers, name)(config)
