"""Whose fault an error is. It decides what pays for it: nobody, the job's tries, the model, or the device.

| class        | such as                                | what follows                                               |
|--------------|----------------------------------------|------------------------------------------------------------|
| weather      | Redis or the image store fails         | the job waits and loses no try                             |
| the person's | `UserError`: a link that leads nowhere | they are told                                              |
| the model's  | a sampler it lacks, shapes that clash  | the job's tries; after several alike it is refused here    |
| the device's | CUDA fails                             | the job's tries; after several the process ends and starts |
| the job's    | anything else                          | the job's tries                                            |
"""

from __future__ import annotations

import redis

from contract.errors import EaselError
from exchange.places import StoreUnavailable

WEATHER = (redis.exceptions.RedisError, StoreUnavailable)


class DeviceFault(EaselError):
    """The device failed: after a CUDA error every later call in the process fails as well."""


class ModelFault(EaselError):
    """A model could not be loaded or could not draw. `model` is its name in the catalogue."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(reason)
        self.model = model
