"""Which parts of a model stay on the device, and which come to it layer by layer while they work.

A part that is streamed lies in the system's memory (on the disk, where the device is the processor itself) and gives
the same pixels; it costs time, a text encoder once a prompt, a denoiser at every step. So text encoders are streamed
first, and the denoiser only if that is not enough. The autoencoder is small and stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from model.errors import NoRoom
from model.memory import mebibytes, tensor_bytes


@dataclass(frozen=True)
class Forecast:
    """Bytes that a model will take (`model.forecast` finds them out). weights: of each part that has some. row: what
    one row takes in the denoiser's forward. decoding: what the pictures take that are decoded at once. None: its code
    cannot be run without its numbers."""

    weights: Mapping[str, int]
    row: int | None = None
    decoding: int | None = None

    @property
    def activations(self) -> int:
        """What one row and a decoding beside it take."""
        return (self.row or 0) + (self.decoding or 0)


@dataclass(frozen=True)
class Placement:
    """streamed: the parts that come layer by layer. needed: bytes of the device, with one row and a decoding at work.
    rows: how many rows of one forward there is room for, None where that is not known. forecast: what it rests on."""

    streamed: frozenset[str] = frozenset()
    needed: int = 0
    rows: int | None = None
    forecast: Forecast | None = None


def placed(forecast: Forecast, layers: Mapping[str, int], denoiser: str, budget: int, beside: int = 0) -> Placement:
    """The placement that streams least within a budget of bytes.

    layers: of each part the most that is there at a time when it is streamed. denoiser: that part's name. beside: what
    adapters take. NoRoom where nothing fits.
    """
    weights = forecast.weights
    texts = sorted((name for name in weights if name.startswith("text_encoder")), key=weights.__getitem__, reverse=True)
    streamed: list[str] = []
    least: list[int] = []
    for more in ("", *texts, denoiser):
        streamed += [more] if more else []
        kept = sum(weights[name] for name in weights if name not in streamed)
        coming = sum(layers[name] for name in streamed)
        needed = kept + coming + beside + forecast.activations
        if needed <= budget:
            rows = 1 + (budget - needed) // forecast.row if forecast.row else None
            return Placement(frozenset(streamed), needed, rows, forecast)
        least.append(needed)
    raise NoRoom(
        f"It needs {mebibytes(min(least))} even when its layers come one by one, and may take {mebibytes(budget)}: "
        f"draw smaller pictures, quantise it, or take a device with more memory."
    )


def largest_layer(part: torch.nn.Module) -> int:
    """The most bytes of a part that are there at a time when it is streamed: two of its layers, one at work and one
    on its way, and what belongs to no layer."""
    blocks = [block for child in part.children() if isinstance(child, torch.nn.ModuleList) for block in child]
    if not blocks:  # deeper down: streamed by its smallest layers
        blocks = [layer for layer in part.modules() if not any(True for _ in layer.children())]
    sizes = [_bytes(block) for block in blocks]
    return 2 * max(sizes, default=0) + max(0, _bytes(part) - sum(sizes))


def stream(part: torch.nn.Module, device: torch.device, folder: Path | None = None) -> None:
    """From now on this part's layers come to the device when they work, by diffusers' hooks.

    folder: where weights lie meanwhile; None for the system's memory.
    """
    from diffusers.hooks import apply_group_offloading

    if folder is not None:
        _untie(part)
    by_blocks = any(isinstance(child, torch.nn.ModuleList) for child in part.children())
    apply_group_offloading(
        part,
        onload_device=device,
        offload_device=torch.device("cpu"),
        offload_type="block_level" if by_blocks else "leaf_level",
        num_blocks_per_group=1 if by_blocks else None,
        use_stream=device.type == "cuda",
        offload_to_disk_path=None if folder is None else str(folder),
    )


def _untie(part: torch.nn.Module) -> None:
    """Give layers that share weights their own: diffusers writes a layer's to the disk once and then empties them."""
    seen: set[int] = set()
    for layer in part.modules():
        for name, weight in layer._parameters.items():
            if weight is not None and id(weight) in seen:
                layer._parameters[name] = torch.nn.Parameter(weight.detach().clone(), requires_grad=False)
            seen.add(id(weight))


def _bytes(part: torch.nn.Module) -> int:
    return sum(tensor_bytes(tensor) for tensor in (*part.parameters(), *part.buffers()))
