"""What an operator may set for a worker: the environment, `.env`, and a folder of secrets (one file a setting)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.catalogue import Catalogue
from contract.errors import EaselError

DEFAULT_MODEL = Path(__file__).resolve().parent.parent / "model" / "default"
SECRETS_FOLDER = "/run/secrets"
"""Where Docker and Kubernetes mount secrets; SECRETS_DIR names another folder."""

MEBIBYTE = 1024 * 1024


class SettingsError(EaselError):
    """A setting is missing or makes no sense; the text says which and what to do, and holds no value of a secret."""


def _plain_token(token: SecretStr) -> SecretStr:
    value = token.get_secret_value()
    if value != value.strip() or any(letter.isspace() for letter in value):
        raise ValueError("a bot token has no spaces; copy it again from the application's Bot page")
    if value.lower().startswith("bot "):
        raise ValueError('leave out the word "Bot" before the token')
    return token


class WorkerSettings(BaseSettings):
    """Every name is an environment variable in capitals: `redis_url` is REDIS_URL. Empty values count as not set."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    # An address may hold a password, so it is kept like the token.
    redis_url: SecretStr | None = Field(None, description="redis://, rediss:// or unix:// address of Redis or Valkey")
    discord_token: Annotated[SecretStr, AfterValidator(_plain_token)] | None = Field(None, description="the bot token")
    discord_api_base: str | None = Field(None, description="a stand-in for Discord, such as http://127.0.0.1:8911")
    discord_allow_remote_api: bool = Field(False, description="let that stand-in be another host: it gets the token")
    image_store: str = Field("data/images", description="folder or address for pictures; the bot uses the same")
    catalogue: str = Field("", description="file of the models on offer; the bot reads the same one")
    model: str = Field(
        "", description="model of the catalogue to draw with, several with commas between, or all; the first if empty"
    )
    model_source: str = Field("", description="folder or hub id to load a single one from, not the catalogue's")
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$", description="auto, cpu, cuda, cuda:0 or mps")
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = Field("auto", description="precision of the weights")
    slots: int = Field(4, ge=1, le=64, description="jobs drawn together in one batch")
    max_pixels: int = Field(0, ge=0, description="largest picture this device has room for, 0 for any")
    intake_slots: int = Field(4, ge=1, le=64, description="jobs whose linked pictures are read at the same time")
    delivery_slots: int = Field(4, ge=1, le=64, description="messages posted at the same time")
    upload_limit_mb: float = Field(10, gt=0, le=500, description="largest file the server takes, in MiB")
    drain_s: float = Field(60, ge=0, le=3600, description="seconds that running jobs get to finish after SIGTERM")
    delivery_patience_s: float = Field(60, ge=0, description="seconds to wait for Discord before a fresh attempt")
    retention_days: float = Field(0, ge=0, description="days after which pictures are deleted, 0 to keep them for ever")
    contact: str = Field(
        "", max_length=200, description="a page or address of yours, told to the hosts of pictures that prompts link to"
    )
    log_format: Literal["console", "json"] = Field("json", description="console for people, json for machines")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least that is logged")

    @property
    def upload_limit_bytes(self) -> int:
        """The largest file that a message may carry."""
        return int(self.upload_limit_mb * MEBIBYTE)

    def models_of(self, catalogue: Catalogue) -> tuple[str, ...]:
        """The names of the models to draw with, the one to begin with first; never empty.

        UserError `model_not_offered` for a name that the catalogue does not have.
        """
        offered = [model.name for model in catalogue]
        if not self.model:
            return (offered[0],)
        if self.model in offered:  # a name may hold a comma, or be "all"
            return (self.model,)
        if self.model == "all":
            return tuple(offered)
        names = [catalogue.named(name).name for part in self.model.split(",") if (name := part.strip())]
        return tuple(dict.fromkeys(names)) or (offered[0],)

    def require_token(self) -> SecretStr:
        """The bot token; SettingsError when there is none."""
        if self.discord_token is None:
            raise SettingsError(
                "DISCORD_TOKEN is not set: put the bot token of your Discord application into the environment, .env, "
                f"or a file named discord_token in {SECRETS_FOLDER}"
            )
        return self.discord_token


def load_settings() -> WorkerSettings:
    """The settings of this process. SettingsError names each variable that is wrong and what it may be."""
    folder = os.environ.get("SECRETS_DIR", SECRETS_FOLDER)
    try:
        return WorkerSettings(_secrets_dir=folder if Path(folder).is_dir() else None)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(detail["loc"], detail["msg"]) for detail in error.errors())) from None


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    name = str(location[0])
    field = WorkerSettings.model_fields.get(name)
    meaning = f" ({field.description})" if field and field.description else ""
    return f"{name.upper()}{meaning}: {message.removeprefix('Value error, ')}"
