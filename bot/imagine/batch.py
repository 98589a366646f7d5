"""Many jobs at once: confirmed, and ended together."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.calls import Call, answered
from bot.client import Route
from bot.waiting.batches import buttons, progress
from contract.errors import UserError
from contract.jobs import Job
from contract.messages import NOTICE_COLOUR, Embed
from exchange.queue import MessageRef
from service.batches import batch_of, open_batch, standing
from service.cancelling import cancel_batch


async def start_batch(call: Call, token: str, jobs: Sequence[Job]) -> None:
    """Keep the confirmed jobs, turn the question into the batch's message, and start what there is room for."""
    message = None if call.message is None else MessageRef(call.message.channel.id, call.message.id)
    await open_batch(call.services, call.asker, token, jobs, message)
    batch = await batch_of(call.services, token)
    if batch is None:
        raise UserError("queue_unreachable")
    await call.update(embed=progress(batch, await standing(call.services, batch)), rows=buttons(batch))
    call.services.background.start(call.client.batches.visit(token))


@answered()
async def _cancelled(call: Call, found: re.Match[str]) -> None:
    """Cancel all, under the message of a batch."""
    ended = await cancel_batch(call.services, call.asker, found["token"])
    said = call.words.say("cancelled.jobs", jobs=len(ended.jobs))
    if ended.never_started:
        said += " " + call.words.say("cancelled.never_started", jobs=ended.never_started)
    await call.update(embed=Embed(call.words.say("batch.stopped"), said, NOTICE_COLOUR))
    call.services.background.start(call.client.batches.visit(found["token"]))


CANCEL_BATCH = Route(re.compile(r"Easel::Batch::cancel::(?P<token>[0-9a-f]{16})"), _cancelled)
