"""Weights of fewer bits: int8 by torchao, fp8 by diffusers, and the `.gguf` files of others. Pixels differ a little;
tests/model/test_quantised.py says by how much."""

from pathlib import Path
from typing import Any, Literal

import torch

from model.errors import ModelError
from model.folders import first_line, header, refuse_pointer, refuse_quantised

Quantisation = Literal["int8", "fp8"]


def quantise(name: str, part: torch.nn.Module, kind: Quantisation, dtype: torch.dtype) -> None:
    """Change the weights of a part (called `name`) into numbers of eight bits; it goes on computing in `dtype`.

    int8: the weights of linear layers, scaled by channel. fp8: all weights but those that need precision; it saves
    memory on every device, and is slow on a processor.
    """
    match kind:
        case "int8":
            try:
                from torchao.quantization import Int8WeightOnlyConfig, quantize_
            except ImportError as error:
                raise ModelError(f"int8 for {name} needs torchao: `pip install 'easel[quantised]'`.") from error
            quantize_(part, Int8WeightOnlyConfig(version=2))
        case "fp8":
            from diffusers.hooks import apply_layerwise_casting
            from diffusers.hooks.layerwise_casting import DEFAULT_SKIP_MODULES_PATTERN

            precise = ("_skip_layerwise_casting_patterns", "_keep_in_fp32_modules")  # as diffusers, transformers say it
            keep = [pattern for name in precise for pattern in getattr(part, name, None) or ()]
            patterns = (*DEFAULT_SKIP_MODULES_PATTERN, *keep)
            apply_layerwise_casting(part, torch.float8_e4m3fn, dtype, skip_modules_pattern=patterns)
        case _:
            raise ModelError(f"There is no quantisation “{kind}” for {name}; there are int8 and fp8.")


# Those that transformers' reader of `.gguf` files gives back as they were.
_OF_GGUF = frozenset({"T5EncoderModel", "Qwen3Model", "Qwen3ForCausalLM", "Gemma2Model"})


def read_text_encoder(file: Path, kind: str, config: Path, dtype: torch.dtype) -> Any:
    """A text encoder of transformers' class `kind` from a `.gguf` file, whose weights become numbers of `dtype`
    again: transformers computes with no others. It saves a download and room on the disk; `quantise` saves memory.

    config: the folder of its config. ModelError when it is damaged, of another model, or of a class that transformers
    does not read from such files.
    """
    import transformers

    if kind not in _OF_GGUF:
        raise ModelError(
            f"A {kind} cannot be read from {file}: transformers reads {', '.join(sorted(_OF_GGUF))} from .gguf files. "
            f"Take whole weights, and say `quantised` in the catalogue to keep them small."
        )
    if file.suffix.lower() != ".gguf":
        raise ModelError(f"{file} is no .gguf file: a text encoder of its own is one, or a folder of the model.")
    _check_gguf(file, "text encoder")
    made = getattr(transformers, kind)
    try:
        encoder, report = made.from_pretrained(
            file.parent,
            gguf_file=file.name,
            config=made.config_class.from_pretrained(config, local_files_only=True),
            dtype=dtype,
            local_files_only=True,
            output_loading_info=True,
            attn_implementation="sdpa" if getattr(made, "_supports_sdpa", False) else "eager",
        )
    except Exception as error:  # the readers raise whatever they stumble over
        raise ModelError(f"{file} is damaged, or no {kind} of this model: {first_line(error)}.") from error
    if missing := sorted(report["missing_keys"]):
        raise ModelError(f"{file} lacks weights ({missing[0]} …): it is damaged, or of another model.")
    return encoder


def _check_gguf(file: Path, what: str) -> None:
    """ModelError when there is no such file, nothing here reads it, or git left a pointer in its place."""
    try:
        import gguf  # noqa: F401
    except ImportError as error:
        raise ModelError(f"{file} needs the library gguf: `pip install 'easel[quantised]'`.") from error
    if not file.is_file():
        raise ModelError(f"The {what} {file} cannot be read: there is no such file.")
    refuse_pointer(file)


def read_denoiser(file: Path, kind: str, config: Path, dtype: torch.dtype) -> Any:
    """A denoiser of diffusers' class `kind` from a file of its own: `.gguf`, or `.safetensors` in the layout of its
    authors or of diffusers. config: the folder of its config. ModelError when it is damaged or of another model."""
    import diffusers

    options: dict[str, Any] = {}
    if file.suffix.lower() == ".gguf":
        _check_gguf(file, "denoiser")
        options["quantization_config"] = diffusers.GGUFQuantizationConfig(compute_dtype=dtype)
    elif file.suffix.lower() != ".safetensors":
        raise ModelError(f"{file} may hold code and is not read: get the denoiser as .safetensors or .gguf.")
    if not file.is_file():
        raise ModelError(f"The denoiser {file} cannot be read: there is no such file.")
    refuse_pointer(file)
    if file.suffix.lower() == ".safetensors":
        refuse_quantised(file, header(file))
    try:
        denoiser = getattr(diffusers, kind).from_single_file(
            str(file), config=str(config), local_files_only=True, torch_dtype=dtype, **options
        )
    except Exception as error:  # the converters raise whatever they stumble over
        raise ModelError(f"{file} is damaged, or no {kind} of this model: {first_line(error)}.") from error
    if missing := [name for name, weight in denoiser.state_dict().items() if weight.is_meta]:
        raise ModelError(f"{file} lacks weights ({missing[0]} …): it is damaged, or of another model.")
    return denoiser
