"""What comes out of a job, on its way from the kind that makes it to the place that gets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.remarks import Remark
from exchange.images import StoreUnavailable


@dataclass(frozen=True, slots=True)
class Pictures:
    """(H, W, 3) each, all of one size. `remarks` are told with them."""

    images: Sequence[NDArray[np.uint8]]
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """Texts, in their order."""

    texts: Sequence[str]


Result = Pictures | Words


class NotKept(StoreUnavailable):
    """What was made could not be put into the store; `result` is all there is of it."""

    def __init__(self, reason: str, result: Result) -> None:
        super().__init__(reason)
        self.result = result
