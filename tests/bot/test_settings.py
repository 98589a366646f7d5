"""What an operator may set for the bot."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import BotSettings
from exchange.settings import SettingsError, read_settings


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder and no settings in the environment."""
    for name in BotSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_limits_and_shards_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers as numbers, lists as JSON."""
    monkeypatch.setenv("DISCORD_TOKEN", "very-secret")
    monkeypatch.setenv("MAX_QUEUED_PER_USER", "7")
    monkeypatch.setenv("SHARD_IDS", "[0, 2]")
    monkeypatch.setenv("SHARD_COUNT", "4")
    settings = read_settings(BotSettings)
    assert (settings.limits.max_queued_per_user, settings.limits.max_running_per_user) == (7, 3)
    assert settings.shard_ids == [0, 2]


def test_a_bot_without_a_token_is_refused() -> None:
    """Without one it could do nothing at all."""
    with pytest.raises(SettingsError, match="DISCORD_TOKEN is missing"):
        read_settings(BotSettings)
