"""The operator's catalogue of models, read by bot and workers from the same file."""

from __future__ import annotations

from pathlib import Path

from contract.catalogue import DEFAULT_CATALOGUE, Catalogue, read_catalogue
from contract.errors import UserError


def open_catalogue(path: str, *, commercial: bool = False) -> Catalogue:
    """The offer in a TOML file; what ships with Easel for an empty path.

    UserError `bad_catalogue` when the file cannot be read or makes no sense, and, where the server is `commercial`,
    when it offers a model whose licence forbids that.
    """
    catalogue = _read(path)
    if commercial and (forbidden := [model.name for model in catalogue if not model.commercial]):
        names = ", ".join(forbidden)
        raise UserError(
            "bad_catalogue",
            reason=f"COMMERCIAL is set, and the licence of {names} forbids commercial use: take it out of {path}",
        )
    return catalogue


def _read(path: str) -> Catalogue:
    if not path:
        return DEFAULT_CATALOGUE
    try:
        text = Path(path).read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise UserError("bad_catalogue", reason=f"CATALOGUE names {path}, which cannot be read: {why}") from error
    try:
        return read_catalogue(text)
    except UserError as error:
        raise UserError("bad_catalogue", reason=f"{path}: {error.values['reason']}") from error
