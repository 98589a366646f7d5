"""The buttons under our messages: each finds the job it is about and makes the next one, or cancels this one."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.calls import Call, answered
from bot.client import Route
from bot.results.again import send_if_wanted
from bot.results.remix import open_remix
from bot.results.texts import pressed_under_texts
from bot.waiting.submission import submit
from contract.actions import CUSTOM_ID, Action, ButtonId, custom_id, read_custom_id
from contract.errors import UnknownButton, UserError
from contract.jobs import Queue, channel_of
from exchange.delivery import MessageRef
from service.cancelling import cancel
from service.favourites import mark, unmark
from service.follow_ups import check, follow_up, job_behind, model_remarks
from service.profiles import profile_of


@answered()
async def _pressed(call: Call, found: re.Match[str]) -> None:
    try:
        button = read_custom_id(found[0])
    except UnknownButton:
        raise UserError("unknown_button") from None
    match button.action:
        case Action.CANCEL:
            await cancel(call.services, call.asker, button.job_id)
            await call.client.waiting.finish(button.job_id)
            await call.take_buttons()  # the delivery says that it is stopped
        case Action.FAVOURITE:
            await _favourite(call, button)
        case _ if button.job is None:
            await pressed_under_texts(call, button)
        case _:
            await _make_next(call, _chosen(call, button) if button.action.value.menu else button)


def _chosen(call: Call, button: ButtonId) -> ButtonId:
    """A menu's button, about what was chosen in it."""
    [value] = call.chosen or [""]
    if not value.isdecimal():
        raise UserError("unknown_button")
    return replace(button, index=int(value) - 1)


async def _favourite(call: Call, button: ButtonId) -> None:
    """Remember the picture for who pressed; a second press of theirs takes it back."""
    if await unmark(call.services, call.asker, button.job_id):
        await call.say(call.words.say("favourite.gone"))
        return
    assert call.message is not None, "a press is under a message"
    place = MessageRef(channel_of(call.asker.destination).channel_id, call.message.id)
    await mark(call.services, call.asker, button.job_id, call.posted, place)
    await call.say(call.words.say("favourite.marked"))
    call.client.colours.mark(call.message, [custom_id(button.action, button.index, button.job_id)])


async def _make_next(call: Call, button: ButtonId) -> None:
    call.check_channel()
    services, asker = call.services, call.asker
    profile = await profile_of(services, asker)
    job = await job_behind(services, asker, button.job_id, call.posted, button)
    form = button.action.value.form
    if form is not None and (profile.remix or form.always):
        check(services, button, job)
        await open_remix(call, button, job, profile.strength)
        return
    made = follow_up(services, asker, button, job, profile, call.posted)
    await submit(call, made, remarks=await model_remarks(services, made, job))
    call.client.colours.mark(call.message, [custom_id(button.action, button.index, button.job)])
    if made.request.queue is Queue.DELIVER and profile.auto_dm:
        # Nothing has to be made, so no worker will say that it is finished.
        services.background.start(send_if_wanted(call.client, made.id))


BUTTONS = Route(CUSTOM_ID, _pressed)
