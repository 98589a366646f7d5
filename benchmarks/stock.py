"""diffusers' own pipelines around a bundle's parts, called as a request says: what every family is compared with."""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any
from unittest.mock import patch

import diffusers
import numpy as np
import torch
from PIL import Image

from model import seeds
from model.components import Bundle
from model.request import FirstFrame, Reference, Request
from model.schedulers import SAMPLERS, Sampler


@dataclass(frozen=True)
class Stock:
    """How diffusers does what a family does. An empty name: it has no pipeline for that.

    scale: what it calls the guidance scale, and by how much its count differs from ours.
    """

    text_to_image: str
    image_to_image: str = ""
    inpainting: str = ""
    scale: str = "guidance_scale"
    scale_offset: float = 0.0
    arguments: Mapping[str, Any] = field(default_factory=dict)
    takes_negative: bool = True
    size: tuple[int, int] = (32, 48)
    image_to_video: str = ""
    one_picture_each: bool = False
    """Whether its image-to-image pipeline wants the picture once for each image it draws."""


STOCK: Mapping[str, Stock] = {
    "stable-diffusion": Stock(
        "StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline"
    ),
    "stable-diffusion-xl": Stock(
        "StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline", "StableDiffusionXLInpaintPipeline"
    ),
    "flux2-klein": Stock("Flux2KleinPipeline", takes_negative=False),
    "flux2-klein-kv": Stock("Flux2KleinKVPipeline", takes_negative=False),
    "z-image": Stock("ZImagePipeline", "ZImageImg2ImgPipeline", "ZImageInpaintPipeline", scale_offset=-1.0),
    "stable-diffusion-3": Stock(
        "StableDiffusion3Pipeline",
        "StableDiffusion3Img2ImgPipeline",
        "StableDiffusion3InpaintPipeline",
        one_picture_each=True,
    ),
    "flux": Stock("FluxPipeline", "FluxImg2ImgPipeline", "FluxInpaintPipeline", takes_negative=False),
    "flux-kontext": Stock("FluxKontextPipeline", takes_negative=False, arguments={"max_area": 32 * 48}),
    "flux-fill": Stock(
        "FluxFillPipeline",
        inpainting="FluxFillPipeline",
        takes_negative=False,
        arguments={"image": Image.new("RGB", (32, 48)), "mask_image": Image.new("L", (32, 48), 255)},
    ),
    "sana-sprint": Stock(
        "SanaSprintPipeline",
        takes_negative=False,
        arguments={"use_resolution_binning": False, "intermediate_timesteps": None},
        size=(32, 64),
    ),
    "sana": Stock("SanaPipeline", arguments={"use_resolution_binning": False}, size=(32, 64)),
    "ltx-video": Stock("LTXPipeline", image_to_video="LTXImageToVideoPipeline", size=(32, 64)),
    "qwen-image-edit": Stock("QwenImageEditPlusPipeline", scale="true_cfg_scale"),
    "qwen-image": Stock(
        "QwenImagePipeline", "QwenImageImg2ImgPipeline", "QwenImageInpaintPipeline", scale="true_cfg_scale"
    ),
}


@contextmanager
def comparable() -> Iterator[None]:
    """Within, models that look at pictures of a megapixel look at small ones, here and in diffusers; and both take the
    mode of a picture's encoding, where some pipelines of diffusers draw from around it."""
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
    from diffusers.pipelines.flux import pipeline_flux_kontext as stock_kontext
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as stock_edit

    from model.families import flux_kontext, qwen_image_edit

    sizes = ((48, 80), (64, 64), (80, 64))
    changes: list[tuple[Any, str, Any]] = [
        (qwen_image_edit, "_DRAWN_PIXELS", 64 * 64),
        (stock_edit, "VAE_IMAGE_SIZE", 64 * 64),
        (qwen_image_edit, "_READ_PIXELS", 96 * 96),
        (stock_edit, "CONDITION_IMAGE_SIZE", 96 * 96),
        (flux_kontext, "_SIZES", sizes),
        (stock_kontext, "PREFERRED_KONTEXT_RESOLUTIONS", list(sizes)),
        (DiagonalGaussianDistribution, "sample", lambda posterior, generator=None: posterior.mode()),
    ]
    with ExitStack() as patches:
        for place, name, value in changes:
            patches.enter_context(patch.object(place, name, value))
        yield


def generators(request: Request) -> list[torch.Generator]:
    """One for each image, at its start."""
    return [seeds.generator(noise.seed, noise.index) for noise in request.noises]


def pipeline(bundle: Bundle, kind: str, sampler: str = "") -> Any:
    """The pipeline of diffusers called `kind`, with this bundle's parts and the sampler's scheduler."""
    recipe = SAMPLERS[sampler or bundle.default_sampler]
    scheduler = getattr(diffusers, recipe.scheduler).from_config(
        dict(bundle.scheduler_config), **Sampler(sampler or bundle.default_sampler, bundle.scheduler_config).overrides
    )
    made = getattr(diffusers, kind)
    known = {"scheduler": scheduler, "requires_safety_checker": False, "add_watermarker": False}
    known |= {**bundle.parts.modules, **bundle.parts.settings}
    if "processor" in known:
        known["processor"] = whole_processor(known["processor"], known["tokenizer"])
    arguments = {}
    for name, parameter in inspect.signature(made.__init__).parameters.items():
        if name in known:
            arguments[name] = known[name]
        elif parameter.default is parameter.empty and name != "self":
            arguments[name] = None
    stock = made(**arguments)
    stock.set_progress_bar_config(disable=True)
    return stock


def whole_processor(picture_processor: Any, tokenizer: Any) -> Any:
    """transformers' processor of prompts and pictures, without its part for videos, which needs torchvision."""
    from transformers import Qwen2VLProcessor

    processor = Qwen2VLProcessor.__new__(Qwen2VLProcessor)
    processor.image_processor, processor.tokenizer, processor.video_processor = picture_processor, tokenizer, None
    processor.chat_template = None
    processor.image_token, processor.video_token = "<|image_pad|>", "<|video_pad|>"
    for name in ("image", "video"):
        token = tokenizer.convert_tokens_to_ids(f"<|{name}_pad|>")
        setattr(processor, f"{name}_token_id", token)
        setattr(processor, f"{name}_ids", [token])
    return processor


def prepared(
    bundle: Bundle,
    request: Request,
    kind: str = "",
    prepare: Callable[[Any], None] = lambda pipeline: None,
    **more: Any,
) -> Callable[[], list[np.ndarray]]:
    """What draws a request of one prompt with the stock pipeline. `kind` is another pipeline than the family's own,
    `prepare` does something to it before it is called."""
    stock = STOCK[bundle.family.name]
    kind = kind or stock.text_to_image
    sampling = request.sampling
    arguments: dict[str, Any] = {
        "prompt": request.prompt.parts[0][0],
        "num_images_per_prompt": len(request.noises),
        "num_videos_per_prompt": len(request.noises),
        "num_frames": request.size.frames,
        "num_inference_steps": sampling.num_inference_steps,
        "width": request.size.width,
        "height": request.size.height,
        stock.scale: sampling.guidance_scale + stock.scale_offset,
    }
    if stock.takes_negative and request.prompt.negatives:
        arguments["negative_prompt"] = request.prompt.negatives[0]
    if request.start is not None:
        kind = stock.image_to_image or kind
        started = Image.fromarray(request.start.pictures[0][0])
        arguments["image"] = [started] * len(request.noises) if stock.one_picture_each else started
        arguments["strength"] = request.start.strength
    if request.keep is not None:
        kind = stock.inpainting
        arguments["image"] = Image.fromarray(request.keep.picture)
        arguments["mask_image"] = Image.fromarray(request.keep.mask)
        arguments["strength"] = 1.0 if request.start is None else request.start.strength
    if references := [control.picture for control in request.controls if isinstance(control, Reference)]:
        arguments["image"] = [Image.fromarray(picture) for picture in references]
    if begins := [control.picture for control in request.controls if isinstance(control, FirstFrame)]:
        kind = stock.image_to_video
        arguments["image"] = [Image.fromarray(begins[0])] * len(request.noises)
    called = pipeline(bundle, kind, sampling.sampler)
    prepare(called)
    accepted = inspect.signature(called.__call__).parameters
    taken = {name: value for name, value in {**stock.arguments, **arguments, **more}.items() if name in accepted}

    def draw() -> list[np.ndarray]:
        drawn = called(**taken, generator=generators(request))
        images = drawn.images if "images" in drawn else chain.from_iterable(drawn.frames)
        return [np.asarray(image) for image in images]

    return draw


def pictures(
    bundle: Bundle,
    request: Request,
    kind: str = "",
    prepare: Callable[[Any], None] = lambda pipeline: None,
    **more: Any,
) -> list[np.ndarray]:
    """What the stock pipeline draws, see `prepared`."""
    return prepared(bundle, request, kind, prepare, **more)()


def save(bundle: Bundle, folder: Path, **options: Any) -> Path:
    """The bundle's parts as a folder in diffusers' layout. options: what `save_pretrained` of the weights is told."""
    index: dict[str, Any] = {"_class_name": "Pipeline", **bundle.parts.settings}
    for name, part in bundle.parts.modules.items():
        part.save_pretrained(folder / name, **(options if hasattr(part, "parameters") else {}))
        index[name] = ["transformers" if "text" in name or "tok" in name else "diffusers", type(part).__name__]
    if "processor" in index:
        index["processor"] = ["transformers", "Qwen2VLProcessor"]
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(dict(bundle.parts.scheduler)))
    index["scheduler"] = ["diffusers", str(bundle.parts.scheduler.get("_class_name", "DDIMScheduler"))]
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder
