"""Files that people hand over with a command or a form, as the links that prompts take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import discord

from contract.layout import ratio_of
from service.texts import upload_link


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that somebody uploaded. `width` and `height` are what Discord says of it, None where it does not."""

    link: str
    width: int | None = None
    height: int | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height, where both are known."""
        return (self.width, self.height) if self.width and self.height else None

    def ratio(self, *, hd: bool = False) -> str | None:
        """Its shape as a flag takes it, such as `3:2`: rounded, and no longer than a model draws, in `hd` or not."""
        if not self.width or not self.height:
            return None
        width, height = ratio_of(self.width, self.height, hd=hd)
        return f"{width}:{height}"


def upload_of(attachment: discord.Attachment) -> Upload:
    """UserError `not_a_picture` for a file that is no picture."""
    link = upload_link(attachment.url, attachment.filename, attachment.content_type)
    return Upload(link, attachment.width, attachment.height)


def upload_in(file: dict[str, Any]) -> Upload:
    """The same of a file of a form, as Discord sends it."""
    link = upload_link(str(file["url"]), str(file.get("filename", "")), file.get("content_type"))
    return Upload(link, file.get("width"), file.get("height"))
