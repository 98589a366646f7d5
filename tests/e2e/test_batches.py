"""Many jobs at once, with real processes: what is promised starts, and what is said to be cancelled does not come."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from tests.sandbox_user import SandboxUser

TOO_LONG_S = 240.0
"""Far more than a batch needs, also on a machine that does much else."""

JSON = dict[str, Any]


async def confirm(ada: SandboxUser, prompt: str, yes: str) -> JSON:
    """Ask for many jobs and say yes; the message of the batch."""
    question = await ada.wait_answer(await ada.slash("imagine", prompt=prompt))
    await ada.press(question, yes)
    return await ada.wait_update(question, lambda message: "started" in described(message))


def described(message: JSON) -> str:
    """What a message's embed says."""
    return str(message["embeds"][0].get("description", "")) if message["embeds"] else ""


async def the_last_word(ada: SandboxUser, batch: JSON) -> JSON:
    """The message of a batch once it has no button any more."""

    def is_last(message: JSON) -> bool:
        return message["id"] == batch["id"] and not message["components"]

    for message in await ada.history():
        if is_last(message):
            return message
    return await ada.wait_update(batch, is_last, TOO_LONG_S)


async def of_prompt(ada: SandboxUser, words: str, ending: str) -> list[JSON]:
    """The messages of this prompt that end like this."""
    return [
        message
        for message in await ada.history()
        if f"**{words}" in message["content"] and message["content"].endswith(ending)
    ]


async def all_ended(ada: SandboxUser, words: str) -> int:
    """Return when no message of this prompt waits any more: how many of them say `(Stopped)`."""
    async with asyncio.timeout(TOO_LONG_S):
        while True:
            every = await of_prompt(ada, words, "")
            stopped = await of_prompt(ada, words, "(Stopped)")
            if len(stopped) + len(await of_prompt(ada, words, "> (fast)")) == len(every):
                return len(stopped)
            await asyncio.sleep(0.5)


async def test_a_batch_ends_with_all_it_promised(ada: SandboxUser) -> None:
    """Four jobs, four grids, and one message that says so."""
    batch = await confirm(ada, "a {red, green} {star, heart} --seed 3", "Yes, run 4 jobs")
    last = await the_last_word(ada, batch)
    assert (last["embeds"][0]["title"], described(last)) == ("All done", "4 of 4 jobs started, 4 finished")
    for words in ("a red star", "a green star", "a red heart", "a green heart"):
        assert len(await of_prompt(ada, words, "> (fast)")) == 1
        assert await of_prompt(ada, words, "(Waiting to start)") == []


async def test_cancel_all_says_what_is_so(ada: SandboxUser) -> None:
    """Grids, cancelled jobs and those that never started are all there were; no grid comes after all has ended."""
    batch = await confirm(ada, "a purple fish --repeat 12", "Yes, run 12 jobs")
    await ada.wait_message(lambda message: "**a purple fish" in message["content"], TOO_LONG_S)
    answer = await ada.wait_answer(await ada.slash("cancel", job="all"))
    counted = re.match(r"Cancelled (\d+) of your jobs\.(?: (\d+) jobs? that had not started)?", answer["content"])
    assert counted is not None, answer["content"]
    cancelled, never = int(counted[1]), int(counted[2] or 0)
    last = await the_last_word(ada, batch)
    said = re.match(r"(\d+) of 12 jobs started, (\d+) finished", described(last))
    assert said is not None, described(last)
    started, finished = int(said[1]), int(said[2])
    assert finished + cancelled + never == 12
    stopped = await all_ended(ada, "a purple fish")
    assert started - finished - stopped in (0, 1)  # one may have been cancelled before it had a message
    assert len(await of_prompt(ada, "a purple fish", "> (fast)")) == finished
