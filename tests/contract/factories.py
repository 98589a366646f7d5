"""Jobs to test with."""

from __future__ import annotations

from contract.catalogue import EASEL_SMALL
from contract.derive import Press
from contract.ids import job_id
from contract.jobs import DiscordChannel, Imagine, Job, User
from contract.prompt import parse

ALICE = User(811, "alice")
BOB = User(822, "bob")
CHANNEL = DiscordChannel(channel_id=31, guild_id=30)


def imagine(prompt: str = "a fox", *, seed: int = 42, interaction: int = 7, user: User = ALICE) -> Job:
    """A job as `/imagine` makes it."""
    return Job(
        id=job_id(seed, EASEL_SMALL.fingerprint, interaction),
        request=Imagine(),
        prompt=parse(prompt).prompts[0],
        model=EASEL_SMALL.name,
        user=user,
        destination=CHANNEL,
        created_ms=1_790_000_000_000,
    )


def press(seed: int = 5, *, interaction: int = 8, user: User = BOB, reply_to: int | None = 99) -> Press:
    """A press on a button of a posted message."""
    return Press(
        new_id=job_id(seed, EASEL_SMALL.fingerprint, interaction),
        user=user,
        destination=DiscordChannel(channel_id=31, guild_id=30, reply_to=reply_to),
        created_ms=1_790_000_001_000,
    )
