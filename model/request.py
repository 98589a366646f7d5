"""A request: everything that decides a picture, in parts, as plain values. No torch here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_IMAGES = 4

Pixels = NDArray[np.uint8]
"""A picture: (H, W, 3), 0 to 255."""


@dataclass(frozen=True)
class NoiseSource:
    """Where the starting noise of one image comes from: numbers only, so a picture can be made again from them.

    The root is drawn from (`seed`, `index`). Each later generation, oldest first, is (seed_k, index_k, strength_k)
    and turns the noise by strength_k of the way (0..1) towards the draw of (seed_k, index_k). A variation of a
    variation therefore needs no stored picture. Seeds are 0..2**32-1 (0 is a seed), indices count from 0.
    """

    seed: int
    index: int = 0
    ancestors: tuple[tuple[int, int, float], ...] = ()


@dataclass(frozen=True)
class Prompt:
    """What the picture shows.

    parts: weighted texts; `((text, 1.0),)` is a plain prompt, `()` is unconditional (guidance is then off). Each part
        is predicted by itself and the predictions are summed by weight: one more row an image and part.
    negatives: joined by commas; they have an effect only where guidance is on.
    styles: phrases that are mixed into the text, each with its share of the way there: 1 is as if it stood behind it.
    chaos: 0..1, how far the images of one request move apart. weird: 0..1, how far all move off the beaten track.
    """

    parts: tuple[tuple[str, float], ...] = ()
    negatives: tuple[str, ...] = ()
    chaos: float = 0.0
    weird: float = 0.0
    styles: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Size:
    """Pixels, multiples of the model's grid (`model.fit_size` finds them). tile: opposite edges fit each other.

    frames: more than one is a video: one, and a multiple of what the model draws at a time.
    """

    width: int
    height: int
    tile: bool = False
    frames: int = 1


@dataclass(frozen=True)
class Sampling:
    """How noise becomes a picture.

    sampler: a name from `model.schedulers.SAMPLERS`; empty for the model's own.
    guidance_scale: diffusers' scale for UNets, where 1.0 is off; for every family, so for Z-Image theirs plus one.
    stop_at: 0..1, the share of the steps after which the picture is decoded as far as it has come.
    student: draw with the few-step denoiser that the model was loaded with, not with its own.
    """

    num_inference_steps: int = 20
    guidance_scale: float = 4.5
    sampler: str = ""
    stop_at: float = 1.0
    student: bool = False


@dataclass(frozen=True, eq=False)
class Start:
    """What to start from instead of noise alone: the weighted mean of pictures, each cut and scaled to the size, as
    lively as they are.

    strength: 0..1, the share of the steps that are taken; 0 keeps the picture, 1 forgets it.
    """

    pictures: tuple[tuple[Pixels, float], ...]
    strength: float

    @classmethod
    def near(cls, pictures: Sequence[tuple[Pixels, float]]) -> "Start | None":
        """Image prompts: the more weight (each about 0..3) they have together, the nearer the result is to them."""
        weighted = tuple((picture, weight) for picture, weight in pictures if weight > 0)
        if not weighted:
            return None
        return cls(weighted, 1 / (1 + 0.5 * sum(weight for _, weight in weighted)))


@dataclass(frozen=True, eq=False)
class Keep:
    """Inpainting: what must stay as it is.

    picture: (H, W, 3) of the size asked for. mask: (H, W), 0 keeps the picture to the byte, 255 or True paints it
    again; values between mix at the seam. to_the_byte: False gives the decoder's own picture, which is only nearly the
    same where it is kept, to those who put the two together themselves.
    """

    picture: Pixels
    mask: NDArray[np.uint8] | NDArray[np.bool_]
    to_the_byte: bool = True


@dataclass(frozen=True, eq=False)
class Area:
    """A part of the picture with words of its own.

    mask: (H, W) of any size, 255 or True where it is. strength: 0..1, how much those words count there; the rest is the
    prompt's.
    """

    text: str
    mask: NDArray[np.uint8] | NDArray[np.bool_]
    strength: float = 1.0


@dataclass(frozen=True, eq=False)
class Reference:
    """A picture that an editing model looks at while it draws: "the same dog, in a park"."""

    picture: Pixels


@dataclass(frozen=True)
class LoraUse:
    """A LoRA that the model was loaded with, by its name. weight: usually 0 to 1; negative turns its effect round."""

    name: str
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class ControlNetUse:
    """A ControlNet that the model was loaded with, and the picture of edges, depth or segments that it sees."""

    name: str
    picture: Pixels
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class IPAdapterUse:
    """An IP-Adapter that the model was loaded with, and the picture that the result is to be like.

    style_only: only the layers that carry style look at it (InstantStyle, Wang et al. 2024, arXiv 2404.02733).
    """

    name: str
    picture: Pixels
    scale: float = 0.6
    style_only: bool = False


@dataclass(frozen=True, eq=False)
class FirstFrame:
    """The picture that a video begins with, cut and scaled to its size."""

    picture: Pixels


Control = Reference | FirstFrame | LoraUse | ControlNetUse | IPAdapterUse
"""What steers a picture beside its prompt."""


@dataclass(frozen=True, eq=False)
class Request:
    """One job for the engine, of one to four images of the same size. Compared by identity: it may hold arrays.

    noises: one per image, 1..4. Any subset gives the same pictures: image 3 alone equals image 3 of the grid.
    """

    prompt: Prompt
    noises: tuple[NoiseSource, ...]
    size: Size
    sampling: Sampling = field(default_factory=Sampling)
    start: Start | None = None
    keep: Keep | None = None
    controls: tuple[Control, ...] = ()
    areas: tuple[Area, ...] = ()


def text_to_image(
    prompt: str | Sequence[tuple[str, float]],
    *,
    seed: int,
    size: tuple[int, int],
    images: int = 4,
    negatives: Sequence[str] = (),
    chaos: float = 0.0,
    weird: float = 0.0,
    tile: bool = False,
    start: Start | None = None,
    keep: Keep | None = None,
    controls: Sequence[Control] = (),
    **sampling: Any,
) -> Request:
    """A grid of `images` pictures of size (width, height) from one seed; `sampling` are fields of Sampling."""
    parts = ((prompt, 1.0),) if isinstance(prompt, str) else tuple(prompt)
    return Request(
        prompt=Prompt(parts, tuple(negatives), chaos, weird),
        noises=tuple(NoiseSource(seed, index) for index in range(images)),
        size=Size(*size, tile),
        sampling=Sampling(**sampling),
        start=start,
        keep=keep,
        controls=tuple(controls),
    )
