"""What an operator may set for the bot."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from exchange.queue import Limits
from exchange.settings import CommonSettings, SettingsError, Token


class BotSettings(CommonSettings):
    """The settings of the bot process; `read_settings(BotSettings)` reads them."""

    discord_token: Token = Field(description="the bot token of your Discord application")
    discord_gateway_url: str | None = Field(
        None, description="the gateway of the stand-in, when it does not name one itself"
    )
    # A few old client libraries take a message with a button for a finished picture.
    cancel_button: bool = Field(True, description="whether waiting messages carry a Cancel button")
    max_queued_per_user: int = Field(10, ge=0, description="jobs of one person that may wait, 0 for no limit")
    max_running_per_user: int = Field(3, ge=0, description="jobs of one person that may run, 0 for no limit")
    max_queued_per_guild: int = Field(200, ge=0, description="jobs of one server that may wait, 0 for no limit")
    max_running_per_guild: int = Field(0, ge=0, description="jobs of one server that may run, 0 for no limit")
    blocked_words: str = Field(
        "", description="words that prompts may not hold, in direct messages too: a file of one a line, or with commas"
    )
    shard_ids: list[int] | None = Field(None, description="the shards this process runs, such as [0,1]; empty: all")
    shard_count: int | None = Field(None, ge=1, description="of how many shards; empty: what Discord recommends")

    @property
    def limits(self) -> Limits:
        """The limits as the queue takes them."""
        return Limits(
            max_queued_per_user=self.max_queued_per_user,
            max_running_per_user=self.max_running_per_user,
            max_queued_per_guild=self.max_queued_per_guild,
            max_running_per_guild=self.max_running_per_guild,
        )

    def read_blocked_words(self) -> tuple[str, ...]:
        """The words themselves. SettingsError when the setting means a file that cannot be read."""
        listed = self.blocked_words
        if "/" in listed or listed.endswith(".txt"):
            try:
                listed = Path(listed).read_text("utf-8").replace("\n", ",")
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"BLOCKED_WORDS names a file that cannot be read: {error}") from error
        return tuple(word for piece in listed.split(",") if (word := piece.strip()))
