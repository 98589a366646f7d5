"""What an operator may set for the bot."""

from __future__ import annotations

from pydantic import Field

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
    shard_ids: list[int] | None = Field(None, description="the shards this process runs, such as [0,1]; empty: all")
    shard_count: int | None = Field(None, ge=1, description="of how many shards; empty: what Discord recommends")
