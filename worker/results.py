"""What comes out of a job, on its way from the kind that makes it to the place that gets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.remarks import Remark
from exchange.images import StoreUnavailable
from worker.recipes import DrawnBy


@dataclass(frozen=True, slots=True)
class Pictures:
    """(H, W, 3) each, all of one size. `remarks` are told with them. `drawn_by` as in `worker.recipes.Recipe`.

    `adult`: they are for adults; `veiled`: they are shown hidden. Both are known once they were looked at.
    """

    images: Sequence[NDArray[np.uint8]]
    remarks: tuple[Remark, ...] = ()
    adult: bool = False
    veiled: bool = False
    drawn_by: DrawnBy = ()


@dataclass(frozen=True, slots=True)
class Words:
    """Texts, in their order, and the picture (H, W, 3) that they are about, if there is one. `influence` as in
    `contract.outcomes.Texts`; `remarks` are told with them."""

    texts: Sequence[str]
    influence: Sequence[float] = ()
    picture: NDArray[np.uint8] | None = None
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Animation:
    """A moving picture as a file: animated WebP, with its parameters in it. All else as in `Pictures`."""

    data: bytes
    remarks: tuple[Remark, ...] = ()
    adult: bool = False
    veiled: bool = False
    drawn_by: DrawnBy = ()


Result = Pictures | Animation | Words


class NotKept(StoreUnavailable):
    """What was made could not be put into the store; `result` is all there is of it."""

    def __init__(self, reason: str, result: Result) -> None:
        super().__init__(reason)
        self.result = result
