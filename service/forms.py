"""Forms are for those who opened them, and about the message under which they did: what is sent must say the same."""

from __future__ import annotations

from contract.errors import UserError
from service.asker import Asker
from service.budget import promptly
from service.follow_ups import Posted
from service.services import Services


async def open_form(services: Services, asker: Asker, name: str, posted: Posted) -> None:
    """Remember that the asker opens the form `name` under a message. UserError when it cannot be remembered."""
    async with promptly():
        await services.preferences.open_form(name, user_id=asker.user.id, message_id=posted.message_id)


async def check_form(services: Services, asker: Asker, name: str, posted: Posted | None) -> Posted:
    """The message under which the asker opened the form `name`. UserError `form_not_yours` when they did not."""
    if posted is not None:
        async with promptly():
            if await services.preferences.form_is_open(name, user_id=asker.user.id, message_id=posted.message_id):
                return posted
    raise UserError("form_not_yours")
