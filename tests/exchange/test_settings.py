"""Settings come from the environment, `.env` and secret files, and say what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from exchange.settings import CommonSettings, SettingsError, Token, read_settings


class SomeSettings(CommonSettings):
    """A process with a setting of its own."""

    hands: int = Field(2, ge=1, description="how many hands it has")


class PostingSettings(CommonSettings):
    """A process that cannot do without a token."""

    discord_token: Token = Field()


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder and no settings in the environment."""
    for name in SomeSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / "secrets"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_environment_wins_over_env_file_and_secrets(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment before `.env` before a file of secrets, as Docker mounts them."""
    (nowhere / "secrets").mkdir()
    (nowhere / "secrets" / "discord_token").write_text("from-secret\n")
    (nowhere / "secrets" / "image_store").write_text("secret-folder")
    (nowhere / ".env").write_text("IMAGE_STORE=env-folder\nHANDS=3\n")
    monkeypatch.setenv("HANDS", "4")
    settings = read_settings(SomeSettings)
    assert settings.discord_token is not None
    assert settings.discord_token.get_secret_value() == "from-secret"
    assert settings.image_store == "env-folder"
    assert settings.hands == 4


def test_an_empty_value_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files hand on variables that nobody has filled in."""
    monkeypatch.setenv("HANDS", "")
    assert read_settings(SomeSettings).hands == 2


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the token nor a password in the Redis address shows when settings are printed."""
    monkeypatch.setenv("DISCORD_TOKEN", "MTEx.secret")
    monkeypatch.setenv("REDIS_URL", "redis://:password@localhost")
    assert "MTEx" not in repr(read_settings(SomeSettings))
    assert "password" not in repr(read_settings(SomeSettings))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HANDS", "hunter2", "HANDS is wrong: .*valid integer.* It means: how many hands it has"),
        ("HANDS", "0", "HANDS is wrong: .*greater than or equal to 1"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT is wrong: .*'json' or 'console'"),
        ("DISCORD_TOKEN", "Bot MTEx.hunter2", "DISCORD_TOKEN is wrong: leave out the word"),
        ("DISCORD_TOKEN", "hunter2 ", "DISCORD_TOKEN is wrong: .*no spaces"),
        ("DISCORD_ALLOW_REMOTE_API", "perhaps", "DISCORD_ALLOW_REMOTE_API is wrong: .*boolean"),
    ],
)
def test_errors_name_the_variable_and_not_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    """A sentence for a wrong variable says what it means; what was set may be a secret."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=words) as caught:
        read_settings(SomeSettings)
    assert "hunter2" not in str(caught.value)


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line each; what is missing comes with the ways to set it."""
    monkeypatch.setenv("LOG_LEVEL", "loud")
    with pytest.raises(SettingsError) as caught:
        read_settings(PostingSettings)
    missing, wrong = str(caught.value).splitlines()
    assert "DISCORD_TOKEN is missing: set it in the environment, in .env, or in a file named discord_token" in missing
    assert "LOG_LEVEL is wrong" in wrong
