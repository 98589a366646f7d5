"""Files on their way in: parts of a multipart request, and the slots that a user's client fills with PUT."""

import mimetypes
import re
import secrets
from dataclasses import dataclass
from typing import Any

from sandbox.images import measure


@dataclass
class File:
    """A file of a request: ``name`` is its form field (``files[0]``), ``filename`` what the client called it."""

    name: str
    filename: str
    data: bytes


@dataclass
class Slot:
    """A place for one file that a user announced; ``data`` is None until it was put there."""

    user_id: str
    channel_id: str
    filename: str
    data: bytes | None = None


class Uploads:
    """Slots by the name that the client quotes in its message or interaction (``uploaded_filename``)."""

    def __init__(self) -> None:
        self._slots: dict[str, Slot] = {}

    def open(self, user_id: str, channel_id: str, filename: str) -> str:
        """Make a slot. Its name is safe in a URL and cannot be guessed: putting a file there needs no token."""
        name = f"{secrets.token_hex(16)}/{clean_filename(filename)}"
        self._slots[name] = Slot(user_id, channel_id, filename)
        return name

    def slot(self, name: str) -> Slot | None:
        """The slot of this name."""
        return self._slots.get(name)

    def take(self, name: str, user_id: str) -> File | None:
        """The file this user put there, and the slot is gone; None if there is none."""
        slot = self._slots.get(name)
        if slot is None or slot.user_id != user_id or slot.data is None:
            return None
        del self._slots[name]
        return File(name, slot.filename, slot.data)


def clean_filename(name: str) -> str:
    """A name as Discord stores it: no folders, no query string, and nothing beyond letters, digits and ``. _ -``."""
    name = re.split(r"[?#]", name.replace("\\", "/").rsplit("/", 1)[-1])[0]
    name = re.sub(r"[^A-Za-z0-9._-]", "", re.sub(r"\s+", "_", name.strip())).lstrip(".")
    return name[-200:] or "unknown"


def describe(attachment_id: str, file: File, description: str | None) -> dict[str, Any]:
    """An attachment as it is kept, its type and size in pixels read from its first bytes."""
    filename = clean_filename(file.filename)
    kept: dict[str, Any] = {
        "id": attachment_id,
        "filename": filename,
        "size": len(file.data),
        "description": description or None,
        "content_type": mimetypes.guess_type(filename)[0],
    }
    if (image := measure(file.data)) is not None:
        kept |= {"content_type": image.content_type, "width": image.width, "height": image.height}
    return kept
