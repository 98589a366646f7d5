"""What people want to find again: ❤️ under a picture, ❤️ and ⭐ as reactions. Kept until they are taken back."""

from __future__ import annotations

from contract.errors import UserError
from contract.ids import JobId
from contract.lineage import words_of
from exchange.accounts import MAX_FAVOURITES, Entry, entry_of
from exchange.delivery import MessageRef
from service.asker import Asker
from service.budget import promptly
from service.follow_ups import Posted, job_behind
from service.services import Services

POSTED = "attached"
"""The kind of a result of which only its message is left."""


async def mark(services: Services, asker: Asker, id: JobId, posted: Posted | None, message: MessageRef) -> None:
    """Remember a job, posted in a message that stands there, for the asker. UserError `favourites_full`, or as
    `job_behind` when its message does not show what it was."""
    entry = await _entry(services, asker, id, posted, message)
    async with promptly():
        if not await services.accounts.favour(asker.user.id, entry, asker.asked_ms):
            raise UserError("favourites_full", limit=MAX_FAVOURITES)


async def _entry(services: Services, asker: Asker, id: JobId, posted: Posted | None, message: MessageRef) -> Entry:
    """Where nobody knows any more what it was made from, its words and its place are enough."""
    try:
        job = await job_behind(services, asker, id, posted)
    except UserError:
        words = None if posted is None else words_of(posted.content, services.catalogue.versions)
        if words is None:
            raise
        guild_id = asker.destination.guild_id
        return Entry(id, POSTED, words.echo, asker.asked_ms, message.channel_id, message.message_id, guild_id)
    return entry_of(job, job.prompt.echo, message, images=job.image_count)


async def unmark(services: Services, asker: Asker, id: JobId) -> bool:
    """Forget it again. False when it was not remembered."""
    async with promptly():
        return await services.accounts.disfavour(asker.user.id, id)


async def favourites(services: Services, user_id: int) -> list[Entry]:
    """A person's favourites, the one marked last first."""
    async with promptly():
        return list(await services.accounts.favourites(user_id))
