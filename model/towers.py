"""The two towers of a CLIP: captions and pictures as unit vectors in one space, in which what belongs together is close
(Radford et al. 2021, arXiv 2103.00020).

A model folder of ours has them beside its denoiser (`image_encoder/`); any CLIP of the hub will do in their place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional

from model.errors import ModelError
from model.hub import fetched
from model.request import Pixels

if TYPE_CHECKING:
    from transformers import CLIPModel, CLIPTextModel, CLIPVisionModelWithProjection

PROJECTION_FILE = "text_projection.safetensors"
_BATCH = 64


class Towers(nn.Module):
    """Both towers, the projection of the text side, and the temperature of their comparison."""

    def __init__(self, text: CLIPTextModel, image: CLIPVisionModelWithProjection) -> None:
        super().__init__()
        self.text, self.image = text, image
        self.text_projection = nn.Linear(text.config.hidden_size, image.config.projection_dim, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def embed_tokens(self, input_ids: Tensor) -> Tensor:
        """Unit vectors (N, E) of tokenized captions (N, T)."""
        return functional.normalize(self.text_projection(self.text(input_ids).pooler_output), dim=-1)

    def embed_pixels(self, pixels: Tensor) -> Tensor:
        """Unit vectors (N, E) of pictures (N, 3, S, S) in -1..1."""
        return functional.normalize(self.image(pixel_values=pixels).image_embeds, dim=-1)

    def save_image_side(self, folder: Path) -> None:
        """Write the image tower in transformers' layout, and the text projection and temperature beside it."""
        from safetensors.torch import save_file

        self.image.save_pretrained(folder)
        small = {"weight": self.text_projection.weight.detach().half(), "logit_scale": self.logit_scale.detach()}
        save_file(small, folder / PROJECTION_FILE)
        size = self.image.config.image_size
        processor = {"image_processor_type": "CLIPImageProcessor", "do_center_crop": False, "do_resize": True,
                     "size": {"height": size, "width": size}, "resample": 3, "do_rescale": True, "do_normalize": True,
                     "image_mean": [0.5] * 3, "image_std": [0.5] * 3}  # fmt: skip
        (folder / "preprocessor_config.json").write_text(json.dumps(processor, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path, text: CLIPTextModel | None = None) -> Towers:
        """The towers of an exported model folder (text_encoder/, image_encoder/), or its image side beside `text`."""
        from safetensors.torch import load_file
        from transformers import CLIPTextModel, CLIPVisionModelWithProjection

        towers = cls(
            text or CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32),
            CLIPVisionModelWithProjection.from_pretrained(folder / "image_encoder", dtype=torch.float32),
        )
        small = load_file(folder / "image_encoder" / PROJECTION_FILE)
        towers.text_projection.weight.data = small["weight"].float()
        towers.logit_scale.data = small["logit_scale"].float()
        return towers.eval()


class Clip(nn.Module):
    """A CLIP of transformers as `Towers`."""

    def __init__(self, clip: CLIPModel) -> None:
        super().__init__()
        self.clip = clip
        self.logit_scale: nn.Parameter = clip.logit_scale

    def embed_tokens(self, input_ids: Tensor) -> Tensor:
        """Unit vectors (N, E) of tokenized captions (N, T)."""
        pooled = self.clip.text_model(input_ids=input_ids).pooler_output
        return functional.normalize(self.clip.text_projection(pooled), dim=-1)

    def embed_pixels(self, pixels: Tensor) -> Tensor:
        """Unit vectors (N, E) of prepared pictures (N, 3, S, S)."""
        pooled = self.clip.vision_model(pixel_values=pixels).pooler_output
        return functional.normalize(self.clip.visual_projection(pooled), dim=-1)


class Reader:
    """Towers with what prepares texts and pictures for them. Any thread may ask.

    scale: by how much a difference of two similarities is multiplied before it is an odds ratio's logarithm.
    """

    def __init__(
        self, towers: Towers | Clip, tokenizer: Any, mean: Sequence[float], std: Sequence[float], side: int
    ) -> None:
        """mean, std: of each colour in 0..1, as the image tower was trained with; side: of its square pictures."""
        self._towers, self._tokenizer = towers, tokenizer
        self._mean, self._std = (np.array(values, np.float32) for values in (mean, std))
        self._side = side
        self.scale = math.exp(float(towers.logit_scale.detach()))

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors (N, E)."""
        device = next(self._towers.parameters()).device
        found = []
        for start in range(0, len(texts), _BATCH):
            part = list(texts[start : start + _BATCH])
            tokens = self._tokenizer(part, padding="longest", truncation=True, return_tensors="pt").input_ids
            with torch.inference_mode():
                found.append(self._towers.embed_tokens(tokens.to(device)).float().cpu())
        return torch.cat(found)

    def fits(self, picture: Pixels) -> Callable[[Sequence[str]], Tensor]:
        """What gives captions their log-likelihoods (N,) of this picture, up to a number that is the same for all."""
        seen = self.picture(picture)
        return lambda texts: self.texts(texts) @ seen * self.scale

    def picture(self, picture: Pixels) -> Tensor:
        """The unit vector (E,) of a picture (H, W, 3), seen whole."""
        side = (self._side, self._side)
        small = np.asarray(Image.fromarray(picture).resize(side, Image.Resampling.BICUBIC), np.float32) / 255
        pixels = torch.from_numpy((small - self._mean) / self._std).permute(2, 0, 1)[None]
        with torch.inference_mode():
            seen: Tensor = self._towers.embed_pixels(pixels.to(next(self._towers.parameters()).device))
        return seen[0].float().cpu()


def load_reader(where: str, device: torch.device) -> Reader:
    """The towers in a folder or of a hub id: of a CLIP as transformers keeps it, or of a model of ours.

    ModelError with a sentence when there are none, or when they are damaged.
    """
    from transformers import CLIPModel, CLIPTokenizer

    folder = Path(where).expanduser()
    if not folder.is_dir():
        folder = fetched(where, ("*.json", "*.txt", "*.safetensors"))
    try:
        if (folder / "image_encoder" / PROJECTION_FILE).is_file():
            seen, tokenizer_folder = folder / "image_encoder", folder / "tokenizer"
            towers: Towers | Clip = Towers.load(folder)
        elif (folder / "preprocessor_config.json").is_file():
            seen = tokenizer_folder = folder
            towers = Clip(CLIPModel.from_pretrained(folder, dtype=torch.float32, use_safetensors=True))
        else:
            raise ModelError(f"{folder} holds no image and text towers: name the folder of a CLIP model.")
        tokenizer = CLIPTokenizer.from_pretrained(tokenizer_folder)
        prepared = json.loads((seen / "preprocessor_config.json").read_text())
        side = json.loads((seen / "config.json").read_text())
        side = side.get("vision_config", side)["image_size"]
    except (OSError, KeyError, ValueError, TypeError, SafetensorError) as error:
        raise ModelError(f"The towers in {folder} cannot be read: {error}") from error
    towers.requires_grad_(False).eval().to(device)
    return Reader(towers, tokenizer, prepared["image_mean"], prepared["image_std"], side)
