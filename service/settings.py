"""What an operator may set for every door: the limits that jobs are accepted under, and words that hold everywhere."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from contract.jobs import Speed
from exchange.queue import Limits
from exchange.settings import CommonSettings, SettingsError


class DoorSettings(CommonSettings):
    """The settings that doors share; each has a class of its own beside it."""

    max_queued_per_user: int = Field(10, ge=0, description="jobs of one person that may wait, 0 for no limit")
    max_running_per_user: int = Field(3, ge=0, description="jobs of one person that may run, 0 for no limit")
    max_queued_per_guild: int = Field(200, ge=0, description="jobs of one server that may wait, 0 for no limit")
    max_running_per_guild: int = Field(0, ge=0, description="jobs of one server that may run, 0 for no limit")
    posts_per_channel: int = Field(
        5,
        ge=0,
        description="messages that Discord takes in one channel in five seconds; its people share them, 0: all go",
    )
    weight_relax: float = Field(1, gt=0, description="share that relaxed jobs get of the workers beside the others")
    weight_fast: float = Field(10, gt=0, description="share that fast jobs get beside the others")
    weight_turbo: float = Field(20, gt=0, description="share that turbo jobs get beside the others")
    blocked_words: str = Field(
        "",
        description="words that prompts may not hold, in direct messages too: with commas, or a file of one a line, in "
        "which # begins a remark",
    )

    @property
    def limits(self) -> Limits:
        """The limits as the queue takes them."""
        return Limits(
            max_queued_per_user=self.max_queued_per_user,
            max_running_per_user=self.max_running_per_user,
            max_queued_per_guild=self.max_queued_per_guild,
            max_running_per_guild=self.max_running_per_guild,
            posts_per_channel=self.posts_per_channel,
            weights={
                Speed.RELAX: self.weight_relax,
                Speed.FAST: self.weight_fast,
                Speed.TURBO: self.weight_turbo,
            },
        )

    def read_blocked_words(self) -> tuple[str, ...]:
        """The words themselves. SettingsError when the setting means a file that cannot be read."""
        listed = self.blocked_words
        if "/" in listed or listed.endswith(".txt"):
            try:
                lines = Path(listed).read_text("utf-8-sig").splitlines()  # some editors begin a file with a mark
            except (OSError, UnicodeDecodeError) as error:
                why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
                raise SettingsError(f"BLOCKED_WORDS names {listed}, which cannot be read: {why}.") from error
            listed = ",".join(line for line in lines if not line.startswith("#"))
        return tuple(word for piece in listed.split(",") if (word := piece.strip()))
