"""What ran the parts of a model while it drew: the last bits of a picture depend on it, so that who wants the very same
picture asks for the same ways on the same kind of processor.

A processor's first start draws by torch until its graphs are exported (`model.exported`), the next one by the graphs.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

TORCH, ONNX = "torch", "onnx"
_AND = "+"
"""Between the ways of a part that was exchanged while it drew."""


@dataclass(frozen=True, slots=True)
class Ways:
    """`text`, `denoiser` and `decoder`: "torch" for the module itself, else how it is made faster (a
    `model.denoiser.Way`); several where it was exchanged in the middle; empty where it had nothing to do.

    place: the kind of processor, and the libraries that run there. shared: rows of other requests were in the same
    forwards. images: how many pictures one request asked for, the fewest where several did, 0 where that is not known:
    one row alone may be rounded otherwise than four.
    """

    text: str = ""
    denoiser: str = ""
    decoder: str = ""
    place: str = ""
    shared: bool = False
    images: int = 0

    @property
    def mixed(self) -> bool:
        """Whether a part was exchanged in the middle, so that nobody can repeat it."""
        return any(_AND in part for part in (self.text, self.denoiser, self.decoder, self.place))


def joined(all_ways: Iterable[Ways]) -> Ways:
    """The ways of several drawings as those of one."""
    several = list(all_ways)

    def together(values: Iterable[str]) -> str:
        return _AND.join(sorted({way for value in values for way in value.split(_AND) if way}))

    return Ways(
        together(ways.text for ways in several),
        together(ways.denoiser for ways in several),
        together(ways.decoder for ways in several),
        together(ways.place for ways in several),
        any(ways.shared for ways in several),
        min((ways.images for ways in several if ways.images), default=0),
    )


@cache
def place_of(device: torch.device) -> str:
    """The kind of processor that `device` is, and the libraries that draw on it."""
    if device.type == "cuda":
        kind, libraries = torch.cuda.get_device_name(device), ["torch"]
    else:
        kind = f"{_processor()} {torch.backends.cpu.get_cpu_capability()} x{torch.get_num_threads()}"
        libraries = ["torch", "onnxruntime"]
    return ", ".join([kind.replace(_AND, " "), *(f"{name} {_version(name)}" for name in libraries)])


def _processor() -> str:
    """As Linux names it; elsewhere its family."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.machine()


def _version(name: str) -> str:
    """Without what a build adds of its own, such as `+cpu`."""
    try:
        return version(name).partition(_AND)[0]
    except PackageNotFoundError:
        return "none"
