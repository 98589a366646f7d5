"""Which sizes a model can draw."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.components import Bundle


def fit_size(
    bundle: "Bundle", aspect_w: float = 1.0, aspect_h: float = 1.0, pixels: float | None = None
) -> tuple[int, int]:
    """(width, height) nearest to the aspect ratio `aspect_w`:`aspect_h` with about `pixels` pixels.

    Both are multiples of the model's grid (its latents and the halvings inside the denoiser), at least one grid cell.
    `pixels=None` means the area the model was trained on.
    """
    native_width, native_height = bundle.native_size
    area = native_width * native_height if pixels is None else pixels
    grid = bundle.grid
    exact = math.sqrt(area * aspect_w / aspect_h)

    def multiple(length: float) -> int:
        return max(grid, round(length / grid) * grid)

    return multiple(exact), multiple(exact * aspect_h / aspect_w)
