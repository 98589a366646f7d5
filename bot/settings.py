"""The bot's settings: from the environment, a `.env` file, or a folder of secrets with one file a setting."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.errors import EaselError
from exchange.queue import Limits

SECRETS_FOLDER = "/run/secrets"
"""Where Docker and Kubernetes put secrets; `SECRETS_DIR` names another folder."""


class InvalidSettings(EaselError):
    """The settings cannot be used; the message is one sentence for each that is wrong."""


class BotSettings(BaseSettings):
    """Everything an operator can set about the bot process. Secrets do not show in logs or tracebacks."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    discord_token: SecretStr
    redis_url: SecretStr | None = None
    """`redis://`, `rediss://` or `unix://`; a password may be part of it, so it is kept like the token."""

    image_store: str = "data/images"
    """Folder (or `s3://bucket/prefix`) of the pictures and their records, the same for bot and workers."""

    catalogue: str | None = None
    """TOML file of the models on offer; workers read the same one."""

    discord_api_base: str | None = None
    discord_gateway_url: str | None = None
    discord_allow_remote_api: bool = False

    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    cancel_button: bool = True
    """Whether waiting messages carry a Cancel button. A few old client libraries take it for a finished picture."""

    max_queued_per_user: int = Field(default=10, ge=0)
    max_running_per_user: int = Field(default=3, ge=0)
    max_queued_per_guild: int = Field(default=200, ge=0)
    max_running_per_guild: int = Field(default=0, ge=0)
    """How many jobs may wait and run at once; 0 is no limit."""

    shard_ids: list[int] | None = None
    shard_count: int | None = Field(default=None, ge=1)
    """Which shards this process runs, of how many. Unset: all that Discord recommends."""

    @property
    def limits(self) -> Limits:
        """The limits as the queue takes them."""
        return Limits(
            max_queued_per_user=self.max_queued_per_user,
            max_running_per_user=self.max_running_per_user,
            max_queued_per_guild=self.max_queued_per_guild,
            max_running_per_guild=self.max_running_per_guild,
        )


def read_settings(secrets_folder: str | None = None) -> BotSettings:
    """The settings of this process. InvalidSettings says in words what is missing or wrong, without showing values."""
    folder = Path(secrets_folder or os.environ.get("SECRETS_DIR") or SECRETS_FOLDER)
    try:
        return BotSettings(_secrets_dir=folder if folder.is_dir() else None)
    except ValidationError as error:
        raise InvalidSettings(" ".join(_sentence(detail["loc"], detail["msg"]) for detail in error.errors())) from None


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    name = str(location[0]).upper() if location else "The settings"
    if message == "Field required":
        return (
            f"{name} is missing: set it in the environment, in .env, or in a file of that name in the secrets folder."
        )
    return f"{name} is wrong: {message}."
