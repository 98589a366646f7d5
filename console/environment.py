"""Settings that nobody reads, because their names are nearly right: `SLOT=8` looks set and does nothing."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from dotenv import dotenv_values

from bot.settings import BotSettings
from exchange.settings import CommonSettings, secret_names

_OTHERS = frozenset(
    {"SECRETS_DIR", "OMP_NUM_THREADS", "HF_HOME", "HF_TOKEN", "REDIS_PASSWORD", "WORKER_MEMORY", "TORCH"}
)
"""Names that mean something here without being fields of a class."""
_OF_A_FILE = "_FILE"
"""With it other programs' settings end that name a file of a secret; ours is the file's own name."""
_NEAR = 0.86
"""Nearer than that, a name is meant to be ours: `SLOT` is, `LOTS` is not."""


def unknown_settings(environment: Mapping[str, str] | None = None, file: Path = Path(".env")) -> list[tuple[str, str]]:
    """Names in the environment, in `.env` and in the folder of secrets that are nearly a setting's: (name, the nearest
    setting)."""
    known = known_settings()
    of_file = _names_in(file)
    secrets = {name for name in secret_names() if name.upper() not in known}
    names = {*(os.environ if environment is None else environment), *of_file, *secrets}
    found = []
    for name in sorted(names - known - _OTHERS):
        if (base := name.upper().removesuffix(_OF_A_FILE)) in known and name.upper().endswith(_OF_A_FILE):
            found.append((name, base))
            continue
        nearest = difflib.get_close_matches(name.upper(), known, 1, _NEAR)
        if nearest and nearest[0] != name.upper():
            found.append((name, nearest[0]))
        elif name in of_file and not nearest and not name.startswith("AWS_"):
            guess = difflib.get_close_matches(name.upper(), known, 1, 0.6)
            found.extend((name, near) for near in guess)
    return found


def _names_in(file: Path) -> set[str]:
    try:
        return set(dotenv_values(file)) if file.is_file() else set()
    except (OSError, UnicodeDecodeError):  # reading the settings says so
        return set()


def known_settings() -> frozenset[str]:
    """Every setting's variable, of whichever process that is installed here."""
    return frozenset(name.upper() for kind in _classes() for name in kind.model_fields)


def _classes() -> Iterable[type[CommonSettings]]:
    from api.settings import ApiSettings

    yield from (CommonSettings, BotSettings, ApiSettings)
    try:
        from worker.settings import WorkerSettings
    except ModuleNotFoundError:
        return
    yield WorkerSettings
