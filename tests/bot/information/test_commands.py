"""/help, /info, /invite, and the commands that are there because clients look for them."""

from __future__ import annotations

import re

import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle

from bot.features import FEATURES
from bot.information.help import EXAMPLES, TOPICS
from contract.prompt import parse
from exchange.quotas import Whose
from service.services import Services

NPM = "ask blend describe fast help imagine info prefer private public relax settings show stealth shorten subscribe"
"""The commands that the npm client looks for by name."""
OF_MIDJOURNEY = "feedback invite list_personalize_codes list_tuners tune turbo userid"


async def test_help_is_for_the_caller_and_its_examples_run(channel: ChannelHandle, alice: MemberActor) -> None:
    """Every example on the first page is a prompt that parses."""
    result = await alice.slash(channel, "help")
    assert result.ephemeral
    assert result.response is not None
    text = result.response.embeds[0].description or ""
    for example in EXAMPLES:
        assert f"`/imagine {example}`" in text
        parse(example)


async def test_help_has_a_page_for_each_topic(channel: ChannelHandle, alice: MemberActor) -> None:
    """The menu turns the page in place; a page with a picture shows it."""
    result = await alice.slash(channel, "help")
    assert result.response is not None
    menu = result.response.components[0]["components"][0]
    assert len(menu["options"]) == len(TOPICS)
    titles = set()
    for option in menu["options"]:
        turned = await alice.select(result.response.message, [option["value"]])
        assert turned.response is not None
        [embed] = turned.response.embeds
        assert embed.title == option["label"]
        titles.add(embed.title)
    assert len(titles) == len(TOPICS)


def test_no_command_that_clients_know_is_missing() -> None:
    """Clients take the first command of the index for one that is not there; that one is /imagine."""
    names = [command.name for feature in FEATURES for command in feature.commands]
    assert names[0] == "imagine"
    assert set((NPM + " " + OF_MIDJOURNEY).split()) <= set(names)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("subscribe", {}),
        ("feedback", {}),
        ("ask", {"question": "why?"}),
        ("tune", {"prompt": "a fox"}),
        ("list_tuners", {}),
        ("list_personalize_codes", {}),
    ],
)
async def test_what_has_no_use_here_says_so_in_a_sentence(
    channel: ChannelHandle, alice: MemberActor, command: str, options: dict[str, str]
) -> None:
    """For the caller alone, with the way to what does the same."""
    result = await alice.slash(channel, command, **options)
    assert result.ephemeral
    assert result.response is not None
    assert re.search(r"/\w+|Apps", result.response.content)


async def test_the_invitation_asks_for_what_the_bot_needs(channel: ChannelHandle, alice: MemberActor) -> None:
    """An address of Discord's with the application and its permissions."""
    result = await alice.slash(channel, "invite")
    assert result.response is not None
    assert re.search(
        r"https://discord\.com/oauth2/authorize\?client_id=\d+&scope=bot\S*&permissions=[1-9]\d+",
        result.response.content,
    )


async def test_info_shows_what_is_left_of_a_quota(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """In hours, as clients read it, and the model with its licence; all of Midjourney's where there is no quota."""
    for quota, said in ((None, "30.00/30.0 hours (100.00%)"), (90.0, "1.50/1.5 hours (100.00%)")):
        if quota is not None:
            await services.quotas.set(Whose.USER, alice.id, {"fast_minutes": quota, "jobs_per_hour": 7})
        result = await alice.slash(channel, "info")
        assert result.response is not None
        text = result.response.embeds[0].description or ""
        assert f"**Fast Time Remaining**: {said}" in text
        assert "**Model**: Easel Small (MIT" in text
    assert "**Jobs an Hour**: at most 7 jobs" in text
