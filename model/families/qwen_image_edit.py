"""Qwen-Image-Edit: Qwen-Image that looks at pictures, with its language model and with its transformer."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch

from model import tiny_parts
from model.families.qwen_image import QwenImage
from model.family import Condition, Parts, TextEncoder
from model.memory import place_of
from model.request import Pixels

_TEMPLATE = (
    "<|im_start|>system\nDescribe the key features of the input image (color, shape, size, texture, objects, "
    "background), then explain how the user's text instruction should alter or modify the image. Generate a new image "
    "that meets the user's requirements while maintaining consistency with the original input where appropriate."
    "<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)
_TEMPLATE_TOKENS = 64
_PLACE = "<|image_pad|>"
_SEEN = f"<|vision_start|>{_PLACE}<|vision_end|>"
_READ_PIXELS = 384 * 384  # what the language model of the Plus models sees of a picture
_DRAWN_PIXELS = 1024 * 1024  # what the transformer sees of it


class QwenEditText(TextEncoder):
    """The last hidden layer of the language model, which reads the prompt and sees the pictures.

    `processor` is the part of transformers' processor that prepares pictures: the whole one needs torchvision.

    several: as the Plus models (2509 and later) were trained: pictures are smaller, and called Picture 1, Picture 2 …
    """

    max_tokens = 1024

    def __init__(self, parts: Parts, *, several: bool, multiple: int) -> None:
        self._tokenizer, self._encoder = parts.modules["tokenizer"], parts.modules["text_encoder"]
        self._pictures, self._several, self._multiple = parts.modules["processor"], several, multiple

    def encode(self, text: str, pictures: Sequence[Pixels] = ()) -> Condition:
        pixels = _READ_PIXELS if self._several else _DRAWN_PIXELS
        images = [_resized(picture, pixels, self._multiple) for picture in pictures]
        names = [f"Picture {number}: {_SEEN}" if self._several else _SEEN for number in range(1, len(images) + 1)]
        prompt, device = "".join(names), place_of(self._encoder)
        seen = {}
        if images:
            seen = self._pictures(images=images, return_tensors="pt").to(device)
            for grid in seen["image_grid_thw"]:  # a place in the prompt for each token of each picture
                places = int(grid.prod()) // self._pictures.merge_size**2
                prompt = prompt.replace(_PLACE, "<place>" * places, 1)
        message = _TEMPLATE.format(prompt.replace("<place>", _PLACE) + text)
        tokens = self._tokenizer(message, return_tensors="pt").to(device)
        states = self._encoder(
            input_ids=tokens.input_ids, attention_mask=tokens.attention_mask, output_hidden_states=True, **seen
        ).hidden_states
        return Condition(states[-1][0, _TEMPLATE_TOKENS:])

    def encode_against(self, text: str | None, pictures: Sequence[Pixels] = ()) -> Condition:
        return self.encode(text or " ", pictures)


class QwenImageEdit(QwenImage):
    """The pictures are tokens behind those of the picture that is drawn."""

    name = "qwen-image-edit"
    text_parts: ClassVar[Mapping[str, frozenset[str]]] = {
        **QwenImage.text_parts,
        "processor": frozenset({"Qwen2VLProcessor", "Qwen2_5_VLProcessor"}),
    }
    needs_reference = True
    max_references = 3

    @classmethod
    def serves(cls, config: Mapping[str, Any], index: Mapping[str, Any]) -> bool:
        return "processor" in index and index.get("_class_name") in (
            "QwenImageEditPipeline",
            "QwenImageEditPlusPipeline",
        )

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        if not _several(parts):
            self.max_references = 1

    @classmethod
    def text(cls, parts: Parts) -> TextEncoder | None:
        multiple = 2 << len(parts.modules["vae"].config.temperal_downsample)
        return QwenEditText(parts, several=_several(parts), multiple=multiple)

    @classmethod
    def tiny(cls, seed: int = 0) -> Parts:
        parts = super().tiny(seed)
        processor = tiny_parts.qwen_vl_picture_processor()
        index = {"_class_name": "QwenImageEditPlusPipeline"}
        return Parts({**parts.modules, "processor": processor}, parts.scheduler, index)

    def reference(self, picture: Pixels) -> torch.Tensor:
        from diffusers.image_processor import VaeImageProcessor
        from PIL import Image

        width, height = _dimensions(picture, _DRAWN_PIXELS)
        processor = VaeImageProcessor(vae_scale_factor=self.pixels_per_latent * 2)
        pixels: torch.Tensor = processor.preprocess(Image.fromarray(picture), height, width)
        return pixels


def _several(parts: Parts) -> bool:
    return parts.settings.get("_class_name") == "QwenImageEditPlusPipeline"


def _dimensions(picture: Pixels, pixels: int) -> tuple[int, int]:
    """(width, height) with about so many pixels and the picture's own aspect, in multiples of 32."""
    ratio = picture.shape[1] / picture.shape[0]
    width = math.sqrt(pixels * ratio)
    return round(width / 32) * 32, round(width / ratio / 32) * 32


def _resized(picture: Pixels, pixels: int, multiple: int) -> Any:
    from diffusers.image_processor import VaeImageProcessor
    from PIL import Image

    width, height = _dimensions(picture, pixels)
    return VaeImageProcessor(vae_scale_factor=multiple).resize(Image.fromarray(picture), height, width)
