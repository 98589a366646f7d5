"""What an operator may set for the bot."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from contract.endpoints import Endpoints, discord_endpoints
from exchange.settings import Token
from service.settings import DoorSettings


class BotSettings(DoorSettings):
    """The settings of the bot process; `read_settings(BotSettings)` reads them."""

    discord_token: Token = Field(description="the bot token of your Discord application")
    discord_gateway_url: str | None = Field(
        None, description="the gateway of the stand-in, when it does not name one itself"
    )
    # A few old client libraries take a message with a button for a finished picture.
    cancel_button: bool = Field(True, description="whether waiting messages carry a Cancel button")
    state_folder: str = Field(
        "data/bot", description="what a bot keeps for itself: messages that wait, in case Redis comes back empty"
    )
    shard_ids: list[int] | None = Field(None, description="the shards this process runs, such as [0,1]; empty: all")
    shard_count: int | None = Field(None, ge=1, description="of how many shards; empty: what Discord recommends")

    def endpoints(self) -> Endpoints | None:
        """The stand-in for Discord, None for Discord itself. UserError `bad_address` or `remote_api`."""
        return discord_endpoints(
            self.discord_api_base, self.discord_gateway_url, allow_remote=self.discord_allow_remote_api
        )

    @model_validator(mode="after")
    def _shards_belong_together(self) -> Self:
        if self.shard_ids and self.shard_count is None:
            raise ValueError("SHARD_IDS needs SHARD_COUNT: of how many shards they are")
        count = self.shard_count or 0
        if strangers := [id for id in self.shard_ids or () if not 0 <= id < count]:
            raise ValueError(f"SHARD_IDS has {strangers[0]}, but SHARD_COUNT {count} ends before it")
        if len(set(self.shard_ids or ())) < len(self.shard_ids or ()):
            raise ValueError("SHARD_IDS names a shard twice: each one runs once")
        return self
