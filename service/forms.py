"""Forms are for those who opened them, and about the message under which they did: what is sent must say the same."""

from __future__ import annotations

from contract.errors import UserError
from service.asker import Asker
from service.budget import promptly
from service.follow_ups import Posted
from service.services import Services


async def open_form(services: Services, asker: Asker, name: str, by: str, posted: Posted) -> None:
    """Remember that the asker opens the form `name` under a message, and by what. UserError when it cannot be done."""
    async with promptly():
        await services.preferences.open_form(name, by, user_id=asker.user.id, message_id=posted.message_id)


async def opened_form(services: Services, asker: Asker, name: str, posted: Posted | None) -> tuple[Posted, str]:
    """The message under which the asker opened the form `name`, and by what. UserError `form_not_yours` when they did
    not."""
    if posted is not None:
        async with promptly():
            by = await services.preferences.opened_form(name, user_id=asker.user.id, message_id=posted.message_id)
        if by is not None:
            return posted, by
    raise UserError("form_not_yours")
