"""Previews: small, early, and never more often than a person can follow."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 384
"""Longer side of a preview in pixels: it costs some kilobytes in Redis and fills the message well."""

INTERVAL_S = 0.5
_WEBP_QUALITY = 70


def encode_preview(sheet: NDArray[np.uint8]) -> bytes:
    """A sheet of pictures so far, (H, W, 3) of any size, as WebP with `SIDE` pixels on its longer side."""
    height, width = sheet.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    image = Image.fromarray(sheet).resize(size, Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=_WEBP_QUALITY, method=2)
    return buffer.getvalue()


class Pace:
    """Lets the first through at once and each later one only when `interval_s` has passed since the last."""

    def __init__(self, interval_s: float = INTERVAL_S, now: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = interval_s
        self._now = now
        self._last: float | None = None

    def allows(self) -> bool:
        """Whether this is the moment for another one; asking counts as taking it."""
        moment = self._now()
        if self._last is not None and moment - self._last < self._interval_s:
            return False
        self._last = moment
        return True
