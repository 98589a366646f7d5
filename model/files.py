"""Whether the files of a model are whole, read without loading it: headers, lengths, and what is no weights at all."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path

from model.folders import POINTER

_LARGEST_HEADER = 100_000_000


def damage_in(path: Path) -> list[str]:
    """What is wrong with a model's folder or file, a sentence each; empty when it is whole as far as files can say."""
    if path.is_file():
        return list(_damage_of(path, path.name))
    found = []
    if not (path / "model_index.json").is_file():
        found.append("it has no model_index.json")
    weights = sorted(path.glob("*/*.safetensors"))
    if not weights:
        found.append("it has no weights (*.safetensors)")
    for file in (*sorted(path.glob("*.json")), *sorted(path.glob("*/*.json"))):
        try:
            json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            found.append(f"{file.relative_to(path)} cannot be read ({error})")
    for file in weights:
        found += _damage_of(file, str(file.relative_to(path)))
    return found


def _damage_of(file: Path, name: str) -> Iterator[str]:
    """A safetensors file says in its header how long it has to be."""
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            start = opened.read(len(POINTER))
            if start == POINTER:
                yield f"{name} is a Git LFS pointer, not weights: run `git lfs pull`"
                return
            (length,) = struct.unpack("<Q", start[:8])
            if length > min(size, _LARGEST_HEADER):
                yield f"{name} is no safetensors file, or is cut off"
                return
            opened.seek(8)
            header = json.loads(opened.read(length))
        ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError, IndexError, struct.error) as error:
        yield f"{name} cannot be read ({error or type(error).__name__})"
        return
    wanted = 8 + length + max(ends, default=0)
    if size != wanted:
        yield f"{name} has {size} bytes, but its header says {wanted}"
