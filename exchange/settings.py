"""The settings that bot and worker share, and how any process reads its own.

They come from the environment, else from a `.env` file, else from a folder of secrets with one file a setting. The name
of a field in capitals is the name of its variable; an empty value counts as not set.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSettings

from contract.errors import EaselError

SECRETS_FOLDER = "/run/secrets"
"""Where Docker and Kubernetes put secrets; `SECRETS_DIR` names another folder."""


class SettingsError(EaselError):
    """A setting is missing or makes no sense; the text says which and what to do, and holds no value of a secret."""


def _plain_token(token: SecretStr) -> SecretStr:
    value = token.get_secret_value()
    if not value:
        raise ValueError("it is empty")
    if value.lower().startswith("bot "):
        raise ValueError('leave out the word "Bot" before the token')
    if value != value.strip() or any(letter.isspace() for letter in value):
        raise ValueError("a bot token has no spaces; copy it again from the application's Bot page")
    return token


Token = Annotated[SecretStr, AfterValidator(_plain_token)]


class CommonSettings(BaseSettings):
    """What every process is told in the same words. Secrets do not show in logs or tracebacks."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, allow_inf_nan=False
    )

    discord_token: Token | None = Field(None, description="the bot token of your Discord application")
    # An address may hold a password, so it is kept like the token.
    redis_url: SecretStr | None = Field(
        None, description="address of Redis or Valkey: redis://, rediss://, redis+sentinel:// or unix://"
    )
    image_store: str = Field(
        "data/images", description="folder, or s3://bucket/prefix, for pictures and their records; the same everywhere"
    )
    catalogue: str = Field("", description="TOML file of the models on offer, the same everywhere; empty: what ships")
    commercial: bool = Field(
        False, description="this server earns money: models whose licence forbids that are refused at start"
    )
    discord_api_base: str | None = Field(None, description="a stand-in for Discord, such as http://127.0.0.1:8911")
    discord_allow_remote_api: bool = Field(False, description="let that stand-in be another host: it gets the token")
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="port of /metrics, /health and /ready; empty: none. GPU n of a host adds n"
    )
    metrics_host: str = Field("127.0.0.1", description="where that port is open")
    log_format: Literal["json", "console"] = Field("json", description="json for machines, console for people")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least that is logged")


Settings = TypeVar("Settings", bound=CommonSettings)


def read_settings(kind: type[Settings]) -> Settings:
    """The settings of this process. SettingsError: a sentence for each that is missing or wrong, without its value."""
    folder = _secrets_folder()
    try:
        return kind(_secrets_dir=folder if folder.is_dir() else None)
    except ValidationError as error:
        raise SettingsError(
            "\n".join(_sentence(kind, detail["loc"], _said(detail)) for detail in error.errors())
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(".env is no text in UTF-8: save it as that.") from None
    except UnreadableSettings as error:  # its text names the field
        name = next((name for name in kind.model_fields if f'"{name}"' in str(error)), "a setting")
        raise SettingsError(
            f"{name.upper()} cannot be read: its file in {folder} has to be a text in UTF-8, and no folder."
        ) from None


def secret_names() -> list[str]:
    """The names of the files in the folder of secrets."""
    try:
        return sorted(file.name for file in _secrets_folder().iterdir() if file.is_file())
    except OSError:
        return []


def _secrets_folder() -> Path:
    return Path(os.environ.get("SECRETS_DIR") or SECRETS_FOLDER)


def _said(detail: ErrorDetails) -> str:
    """What is wrong, without pydantic's words where those are about programs."""
    match detail["type"]:
        case "too_short":
            return "it has {actual_length} characters, and {min_length} are the least".format_map(detail["ctx"])
        case "string_pattern_mismatch":
            return "it is of no form that is known"
        case _:
            return detail["msg"]


def _sentence(kind: type[CommonSettings], location: tuple[int | str, ...], message: str) -> str:
    if not location:
        return f"The settings are wrong: {message.removeprefix('Value error, ')}."
    name = str(location[0])
    if message == "Field required":
        return missing(name)
    field = kind.model_fields.get(name)
    meaning = f" It means: {field.description}." if field and field.description else ""
    return f"{name.upper()} is wrong: {message.removeprefix('Value error, ')}.{meaning}"


def missing(name: str) -> str:
    """A sentence that says how to set the field `name`."""
    return (
        f"{name.upper()} is missing: set it in the environment, in .env, or in a file named {name} in the folder of "
        f"secrets ({SECRETS_FOLDER}, or what SECRETS_DIR names)."
    )
