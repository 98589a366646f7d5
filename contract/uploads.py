"""Files that came with a request, as links: a job speaks of pictures by links, and these lead into the image store.

Their host ends in `.invalid`, which nobody can have (RFC 6761), so a typed one leads nowhere.
"""

from __future__ import annotations

import re

_LINK = re.compile(r"https://upload\.invalid/(\d|1[0-5])(\.mask)?\.png")


def upload_link(number: int, *, mask: bool = False) -> str:
    """The link to upload `number` (from 0) of a job. Of a `mask` only what is transparent counts."""
    return f"https://upload.invalid/{number}{'.mask' if mask else ''}.png"


def upload_name(link: str) -> str | None:
    """The image store's name for what an upload's link leads to; None for any other link."""
    found = _LINK.fullmatch(link)
    return None if found is None else f"upload/{found[1]}"


def is_mask(link: str) -> bool:
    """Whether of this upload only what is transparent counts."""
    found = _LINK.fullmatch(link)
    return found is not None and found[2] is not None
