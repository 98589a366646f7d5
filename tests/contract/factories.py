"""Jobs to test with."""

from __future__ import annotations

from dataclasses import replace

from contract.actions import Action, Button, ButtonId
from contract.catalogue import EASEL_SMALL
from contract.derive import next_job
from contract.ids import job_id
from contract.jobs import Chosen, DiscordChannel, Job, Press, Strength, User
from contract.kinds.imagine import Imagine
from contract.messages import result_buttons
from contract.planning import plan
from contract.prompt import Prompt, parse

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
    """A press on a button of a posted message. `seed` is the next job's, unless that keeps its parent's picture."""
    return Press(
        interaction_id=interaction,
        fingerprint=EASEL_SMALL.fingerprint,
        seed=seed,
        user=user,
        destination=DiscordChannel(channel_id=31, guild_id=30, reply_to=reply_to),
        created_ms=1_790_000_001_000,
        region=Chosen(0b1000010),  # for the one button whose form asks for it
    )


def reroll(job: Job, press: Press, prompt: Prompt | None = None) -> Job:
    """What 🔄 makes of a grid."""
    return next_job(job, ButtonId(Action.REROLL, None, job.id), press, prompt)


def variation(job: Job, index: int, strength: Strength, press: Press, prompt: Prompt | None = None) -> Job:
    """What Vary (Subtle) or Vary (Strong) makes of picture `index`."""
    action = Action.VARY_SUBTLE if strength is Strength.SUBTLE else Action.VARY_STRONG
    return next_job(job, ButtonId(action, index, job.id), press, prompt)


def follow(job: Job, action: Action, press: Press, prompt: Prompt | None = None) -> Job:
    """What a button under a single picture makes of it."""
    return next_job(job, ButtonId(action, 0 if action.about_one_picture else None, job.id), press, prompt)


def upscale(job: Job, index: int, press: Press) -> Job:
    """What U1-U4 make of a grid."""
    return next_job(job, ButtonId(Action.UPSCALE, index, job.id), press)


def buttons(job: Job) -> list[list[Button]]:
    """The rows under its result, menus left out."""
    return [[part for part in row if isinstance(part, Button)] for row in result_buttons(job)]


def planned(job: Job) -> Job:
    """As it is accepted: with its plan on the model that ships."""
    return replace(job, plan=plan(job, EASEL_SMALL))


def priced(job: Job, cost: float, *, model: str = "", pixels: int = 1) -> Job:
    """`job` as it is accepted on `model` (empty for its own) at this cost, with pictures of so many pixels."""
    numbers = plan(job, EASEL_SMALL)
    return replace(job, model=model or job.model, plan=replace(numbers, cost=cost, width=pixels, height=1))
