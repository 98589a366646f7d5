"""/forget: asked first, done for the one who asked, and said when it is done."""

from __future__ import annotations

from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.results import InteractionResult

from contract.jobs import Job
from exchange import preferences
from service.services import Services


def question_of(result: InteractionResult) -> str:
    """What the embed says."""
    assert result.response is not None
    return result.response.embeds[0].description or ""


async def test_nothing_is_forgotten_without_a_yes(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """The question is for the person alone and says what goes and what stays."""
    await alice.slash(channel, "relax")
    result = await alice.slash(channel, "forget")
    assert result.ephemeral
    assert "cannot be undone" in question_of(result)
    assert await services.preferences.all(preferences.user(alice.id)) == {"speed": "relax"}


async def test_yes_forgets_the_person_who_pressed(
    services: Services, channel: ChannelHandle, alice: MemberActor, grid: Job
) -> None:
    """Settings and pictures are gone, and the message says how much there was."""
    await alice.slash(channel, "relax")
    asked = await alice.slash(channel, "forget")
    assert asked.response is not None
    await alice.click(asked.response.message, label="Yes, forget me")
    await services.background.finish()
    assert await services.preferences.all(preferences.user(alice.id)) == {}
    assert services.images.get_record(grid.id) is None
    assert "the pictures of 1 job." in question_of(asked)
    assert asked.response.components == []
