"""How much memory a model takes, and how much there is."""

import copy
import json
import resource
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

_NUMBERS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I8": 1, "U8": 1, "F8_E4M3": 1, "F8_E5M2": 1}


def weights_in_files(files: Iterable[Path], bytes_each: int) -> int:
    """What the weights of these files take once they are read as numbers of so many bytes, from their headers alone.

    A `.gguf` file's stay as they are. Damaged files count as nothing.
    """
    total = 0
    for file in files:
        try:
            if file.suffix == ".gguf":
                total += file.stat().st_size
                continue
            with file.open("rb") as opened:
                (length,) = struct.unpack("<Q", opened.read(8))
                header = json.loads(opened.read(min(length, 100_000_000)))
            for name, entry in header.items():
                if name != "__metadata__":
                    first, last = entry["data_offsets"]
                    total += (last - first) // _NUMBERS.get(entry["dtype"], 4) * bytes_each
        except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error):
            continue
    return total


def numbers_in_gguf(file: Path) -> int:
    """How many weights a `.gguf` file holds; none that can be said of a damaged one."""
    try:
        from gguf import GGUFReader

        return sum(int(tensor.n_elements) for tensor in GGUFReader(file).tensors)
    except Exception:  # the reader raises whatever it stumbles over; who reads the weights says it
        return 0


def free_bytes(device: torch.device) -> int:
    """What a device has left; of the processor, what the system could give."""
    return int(torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else _of_system("MemAvailable")


def total_bytes(device: torch.device) -> int:
    """What a device has, free or not."""
    return int(torch.cuda.mem_get_info(device)[1]) if device.type == "cuda" else _of_system("MemTotal")


def _of_system(name: str) -> int:
    said = _told_by(Path("/proc/meminfo"), name)
    return sys.maxsize if said is None else said  # a system that does not say: nothing is known to be too much


def _told_by(file: Path, name: str) -> int | None:
    """Bytes behind a name in one of Linux's files of sizes; None for a system without it."""
    try:
        lines = file.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
    except (OSError, StopIteration, ValueError):
        return None


def peak_bytes(device: torch.device) -> int:
    """The most that this process has held so far: of the device's memory, or of the system's."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    # What getrusage says begins, for a program that was just started, with what the one that started it held.
    if (held := _told_by(Path("/proc/self/status"), "VmHWM")) is not None:
        return held
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def tensor_bytes(tensor: torch.Tensor) -> int:
    """What a tensor takes; of a quantised one what its numbers and scales take, not what they stand for."""
    if hasattr(tensor, "__tensor_flatten__") and type(tensor) not in (torch.Tensor, torch.nn.Parameter):
        names, _ = tensor.__tensor_flatten__()
        return sum(tensor_bytes(getattr(tensor, name)) for name in names)
    return tensor.nbytes


def twin(part: Any) -> Any:
    """A copy of a part that shares its weights and can be changed without it; what has no weights is shared whole."""
    if not isinstance(part, torch.nn.Module):
        return part
    shared: dict[int, Any] = {id(tensor): tensor for tensor in (*part.parameters(), *part.buffers())}
    return copy.deepcopy(part, shared)


def place_of(part: Any) -> torch.device:
    """The device that a part works on, which is not where a streamed part's weights lie (`model.placement`)."""
    if not isinstance(part, torch.nn.Module):  # a graph's own
        own: torch.device = part.device
        return own
    from diffusers.models.modeling_utils import get_parameter_device

    place: torch.device = get_parameter_device(part)
    return place


def mebibytes(count: int) -> str:
    """For people to read."""
    return f"{count / 2**20:,.1f} MiB"
