"""Folders of a hub (huggingface.co), fetched unless they are there already."""

from collections.abc import Sequence
from pathlib import Path

from model.errors import ModelError


def fetched(
    where: str,
    wanted: Sequence[str],
    others: Sequence[str] = (),
    *,
    revision: str | None = None,
    local_files_only: bool = False,
) -> Path:
    """The files of `where` (`owner/name`) that fit a pattern of `wanted` and none of `others`.

    ModelError when it is no such id, or cannot be fetched.
    """
    if where.startswith((".", "/", "~")) or where.count("/") != 1:
        raise ModelError(f"There is no model folder {where}.")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(
                where,
                revision=revision,
                local_files_only=local_files_only,
                allow_patterns=list(wanted),
                ignore_patterns=list(others),
            )
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise ModelError(f"{where} is neither a model folder nor a model that could be fetched: {error}") from error
