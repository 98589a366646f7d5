"""How much memory a model takes, and how much there is."""

import json
import resource
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

import torch

_NUMBERS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I8": 1, "U8": 1, "F8_E4M3": 1, "F8_E5M2": 1}


def numbers_in(files: Iterable[Path]) -> int:
    """How many weights these safetensors files hold, from their headers alone. Damaged files count as none."""
    total = 0
    for file in files:
        try:
            with file.open("rb") as opened:
                (length,) = struct.unpack("<Q", opened.read(8))
                header = json.loads(opened.read(min(length, 100_000_000)))
            for name, entry in header.items():
                if name != "__metadata__":
                    first, last = entry["data_offsets"]
                    total += (last - first) // _NUMBERS.get(entry["dtype"], 4)
        except (OSError, ValueError, KeyError, TypeError, struct.error):
            continue
    return total


def free_bytes(device: torch.device) -> int:
    """What a device has left; of the processor, what the system could give."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return sys.maxsize  # a system that does not say: nothing is known to be too much


def peak_bytes(device: torch.device) -> int:
    """The most that this process has held so far: of the device's memory, or of the system's."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def weight_bytes(module: torch.nn.Module) -> int:
    """What a module's parameters and buffers take."""
    return sum(tensor.nbytes for tensor in (*module.parameters(), *module.buffers()))
