"""Which models have loaded and drawn here before, so that a start tries only those that are new or were changed."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from contract.catalogue import Model as Offered

if TYPE_CHECKING:
    from model import Source

_LIBRARIES = ("torch", "diffusers", "transformers")


class Tried:
    """Notes by `circumstances`: an empty file in `folder` for each. A note that cannot be written is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __contains__(self, mark: str) -> bool:
        return bool(mark) and (self._folder / mark).is_file()

    def note(self, mark: str) -> None:
        """A model has drawn in these circumstances."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if mark:
                (self._folder / mark).touch()
        except OSError:
            return  # the next start tries it again


def circumstances(source: Source, offered: Offered, *where: object) -> str:
    """What a trial of a model depends on, as hexadecimal digits: its files by size and time of change, what the
    catalogue says of it, the libraries, and `where` (device, precision, memory). Empty while its files are not here."""
    own = (offered.family, offered.size_multiple, offered.choices, "moving" in offered.honours, offered.enlargement)
    libraries = tuple(version(name) for name in _LIBRARIES)
    digest = hashlib.sha256(repr((source, own, libraries, where)).encode())
    try:
        for place in _places(source):
            for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
                found = file.stat()
                digest.update(f"{file} {found.st_size} {found.st_mtime_ns}\n".encode())
    except OSError:
        return ""
    return digest.hexdigest()[:32]


def _places(source: Source) -> list[Path]:
    """All files and folders that it is loaded from; a hub id is pinned by its revision."""
    beside = (source.tokenizers, source.vae, source.denoiser)
    named = (source.text_encoders, source.inversions, source.loras, source.controlnets)
    words = [*beside, *(word for files in named for word in files.values())]
    words += [word for pair in source.ip_adapters.values() for word in pair]
    places = [Path(word).expanduser() for word in words if word]
    own = Path(source.where).expanduser()
    return [own, *places] if own.exists() else places
