"""A form is for the person who opened it, and about the message under which they did."""

from __future__ import annotations

import pytest
import redis.asyncio

from contract.errors import UserError
from service.follow_ups import Posted
from service.forms import open_form, opened_form
from service.services import Services
from tests.service.askers import asker

OPENED = Posted(100, "**a fox** - <@1> (fast)")


@pytest.mark.parametrize(
    ("user_id", "name", "posted", "accepted"),
    [
        (1, "remix:a:0", OPENED, True),
        (2, "remix:a:0", OPENED, False),
        (1, "remix:a:1", OPENED, False),
        (1, "remix:a:0", Posted(101, OPENED.content), False),
        (1, "remix:a:0", None, False),
    ],
)
async def test_what_is_sent_says_what_was_opened(
    services: Services, user_id: int, name: str, posted: Posted | None, accepted: bool
) -> None:
    """The same person, message and form; nothing else will do."""
    await open_form(services, asker(1), "remix:a:0", "ZOOM_2", OPENED)
    if accepted:
        assert await opened_form(services, asker(user_id), name, posted) == (posted, "ZOOM_2")
    else:
        with pytest.raises(UserError) as refused:
            await opened_form(services, asker(user_id), name, posted)
        assert refused.value.kind == "form_not_yours"


async def test_an_open_form_is_forgotten_in_the_end(services: Services, store: redis.asyncio.Redis) -> None:
    """Most forms are opened and never sent."""
    await open_form(services, asker(1), "remix:a:0", "ZOOM_2", OPENED)
    [key] = await store.keys("easel:form:*")
    assert 3600 < await store.ttl(key) <= 86_400
