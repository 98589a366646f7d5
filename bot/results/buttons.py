"""The buttons under our messages: each finds the job it is about and makes the next one, or cancels this one."""

from __future__ import annotations

import re

from bot.calls import Call, answered
from bot.client import Route
from bot.results.again import send_if_wanted
from bot.results.remix import open_remix
from bot.waiting.submission import submit
from contract.actions import CUSTOM_ID, Action, ButtonId, custom_id, read_custom_id
from contract.errors import UnknownButton, UserError
from contract.jobs import Queue
from service.cancelling import cancel
from service.follow_ups import follow_up, job_behind, model_remark
from service.profiles import profile_of


@answered()
async def _pressed(call: Call, found: re.Match[str]) -> None:
    try:
        button = read_custom_id(found[0])
    except UnknownButton:
        raise UserError("unknown_button") from None
    if button.action is Action.CANCEL:
        await cancel(call.services, call.asker, button.job)
        await call.client.waiting.finish(button.job)
        await call.take_buttons()  # the delivery says that it is stopped
    else:
        await _make_next(call, button)


async def _make_next(call: Call, button: ButtonId) -> None:
    call.check_channel()
    services, asker = call.services, call.asker
    profile = await profile_of(services, asker)
    job = await job_behind(services, asker, button.job, call.posted)
    form = button.action.value.form
    if form is not None and (profile.remix or form.always):
        await open_remix(call, button, job, profile.strength)
        return
    made = follow_up(services, asker, button, job, profile, call.posted)
    await submit(call, made, remark=await model_remark(services, made, job))
    call.client.colours.mark(call.message, [custom_id(button.action, button.index, button.job)])
    if made.request.queue is Queue.DELIVER and profile.auto_dm:
        # Nothing has to be made, so no worker will say that it is finished.
        services.background.start(send_if_wanted(call.client, made.id))


BUTTONS = Route(CUSTOM_ID, _pressed)
