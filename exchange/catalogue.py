"""The operator's catalogue of models, read by bot and workers from the same file."""

from __future__ import annotations

from pathlib import Path

from contract.catalogue import DEFAULT_CATALOGUE, Catalogue, read_catalogue
from contract.errors import UserError


def open_catalogue(path: str) -> Catalogue:
    """The offer in a TOML file; what ships with Easel for an empty path.

    UserError `bad_catalogue` when the file cannot be read or makes no sense.
    """
    if not path:
        return DEFAULT_CATALOGUE
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("bad_catalogue", reason=f"{path}: {error}") from error
    return read_catalogue(text)
