"""/settings, /prefer and the speeds: what a person sets holds for their next prompt, and survives a restart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env
from simcord.results import InteractionResult

from bot.client import EaselClient
from bot.features import FEATURES
from contract.catalogue import EASEL_SMALL, Catalogue
from contract.jobs import Job, Speed, Strength
from contract.kinds.variation import Variation
from service.services import Services
from tests.bot.delivered import accepted_job, post_result, store_record


async def made(services: Services, channel: ChannelHandle, who: MemberActor, prompt: str = "a fox") -> Job:
    """The job of a prompt of theirs."""
    await who.slash(channel, "imagine", prompt=prompt)
    job = await accepted_job(services, who.id)
    await services.queue.discard(job.id)
    return job


def style_of(result: InteractionResult, label: str) -> int:
    """The style of a switch on the panel: 3 is on, 2 is off."""
    assert result.response is not None
    buttons = [button for row in result.response.components for button in row["components"]]
    [style] = [button["style"] for button in buttons if button.get("label") == label]
    return int(style)


def calls(env: Env) -> list[tuple[str, str, object]]:
    """The bot's requests about interactions: method, last part of the path, type of the answer."""
    return [
        (entry.method, entry.path.rpartition("/")[2], (entry.json or {}).get("type"))
        for entry in env.http_requests
        if "/interactions/" in entry.path or "/webhooks/" in entry.path
    ]


async def test_the_panel_has_the_labels_clients_look_for(
    simcord_env: Env, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Deferred for the caller only, then edited; Remix mode is off and Reset Settings is there."""
    result = await alice.slash(channel, "settings")
    assert calls(simcord_env) == [("POST", "callback", 5), ("PATCH", "@original", None)]
    assert result.ephemeral
    assert style_of(result, "Remix mode") == 2
    assert style_of(result, "Reset Settings") == 2
    assert style_of(result, "Fast mode") == 3


async def test_a_switch_changes_the_panel_and_the_next_job(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Turbo and stealth, pressed on the panel, are how the next job runs."""
    panel = await alice.slash(channel, "settings")
    assert panel.response is not None
    for label in ("Turbo mode", "Public mode", "Stylize high"):
        await alice.click(panel.response.message, label=label)
    assert style_of(panel, "Turbo mode") == 3
    assert style_of(panel, "Public mode") == 2
    job = await made(services, channel, alice)
    assert (job.speed, job.stealth) == (Speed.TURBO, True)
    assert job.prompt.parameters.stylize == 250


async def test_reset_forgets_the_look_and_keeps_the_rest(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Reset Settings leaves the speed alone, as at Midjourney."""
    panel = await alice.slash(channel, "settings")
    assert panel.response is not None
    for label in ("RAW Mode", "Remix mode", "Low Variation Mode", "Relax mode"):
        await alice.click(panel.response.message, label=label)
    assert style_of(panel, "RAW Mode") == 3
    await alice.click(panel.response.message, label="Reset Settings")
    assert [style_of(panel, label) for label in ("RAW Mode", "Remix mode", "High Variation Mode")] == [2, 2, 3]
    assert style_of(panel, "Relax mode") == 3


async def test_the_menu_shows_each_model_once_with_its_versions(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Its title, what `--v` may say to mean it, the one that draws now marked."""
    panel = await alice.slash(channel, "settings")
    assert panel.response is not None
    [model] = panel.response.components[0]["components"][0]["options"]
    assert (model["label"], model["value"], model["default"]) == (
        EASEL_SMALL.title,
        services.catalogue.default_version,
        True,
    )
    assert model["description"].startswith("8.2, 8.1")
    assert len(model["description"]) <= 100
    assert f"**{EASEL_SMALL.title}**" in panel.response.content
    assert EASEL_SMALL.licence in panel.response.content


async def test_a_sampler_is_chosen_and_stands_in_the_prompt(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Where the model offers several; its own one needs no words. A typed one counts more, an unknown one is named."""
    panel = await alice.slash(channel, "settings")
    assert panel.response is not None
    menu = panel.response.components[-1]["components"][0]
    assert [option["value"] for option in menu["options"]] == list(EASEL_SMALL.choices)
    other = list(EASEL_SMALL.choices)[1]
    await alice.select(panel.response.message, [other], custom_id=menu["custom_id"])
    job = await made(services, channel, alice)
    assert job.prompt.echo.endswith(f"--sampler {other}")
    assert job.plan is not None
    assert (job.plan.sampler, job.plan.num_inference_steps) == (other, EASEL_SMALL.choices[other])
    typed = await made(services, channel, alice, "a fox --sampler dpmpp_2m")
    assert typed.prompt.parameters.sampler == "dpmpp_2m"
    refused = await alice.slash(channel, "imagine", prompt="a fox --sampler tcd")
    assert refused.response is not None
    assert "`tcd`" in (refused.response.embeds[0].description or "")
    await alice.select(panel.response.message, [EASEL_SMALL.sampler], custom_id=menu["custom_id"])
    assert (await made(services, channel, alice)).prompt.parameters.sampler is None


async def test_sticky_style_keeps_the_style_of_one_prompt_for_the_next(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """In the suffix, beside what stands there; switched off, it goes and the rest stays."""
    await alice.slash(channel, "prefer suffix", new_value="--ar 3:2")
    panel = await alice.slash(channel, "settings")
    assert panel.response is not None
    await made(services, channel, alice, "a fox --style raw")
    assert (await made(services, channel, alice)).prompt.parameters.style is None
    await alice.click(panel.response.message, label="Sticky Style")
    await made(services, channel, alice, "a fox --style raw --chaos 5")
    await services.background.finish()
    kept = (await made(services, channel, alice)).prompt.parameters
    assert (kept.style, kept.aspect, kept.chaos) == ("raw", (3, 2), None)
    shown = await alice.slash(channel, "settings")
    assert style_of(shown, "Sticky Style") == 3
    await alice.click(panel.response.message, label="Sticky Style")
    gone = (await made(services, channel, alice)).prompt.parameters
    assert (gone.style, gone.aspect) == (None, (3, 2))


async def test_an_operators_own_version_is_one_like_any_other(
    simcord_env: Env,
    services: Services,
    channel: ChannelHandle,
    alice: MemberActor,
) -> None:
    """Typed, chosen in the menu, in a suffix, and read again from the message when the record is gone."""
    own = replace(EASEL_SMALL, name="easel-emoji", versions=(), aliases={"emoji": "6.1"})
    bot = EaselClient(replace(services, catalogue=Catalogue((EASEL_SMALL, own))), FEATURES, shard_count=1)
    await simcord_env.restart_bot(bot)
    job = await made(services, channel, alice, "a fox --v emoji")
    assert (job.model, job.prompt.echo) == ("easel-emoji", "a fox --v emoji")
    message = await post_result(simcord_env, channel, job)
    await alice.click(message, label="V1")
    varied = await accepted_job(services, alice.id)
    await services.queue.discard(varied.id)
    assert (varied.model, varied.prompt) == ("easel-emoji", job.prompt)
    panel = await alice.slash(channel, "settings")
    assert panel.response is not None
    menu = panel.response.components[0]["components"][0]
    assert [option["label"] for option in menu["options"]] == [EASEL_SMALL.title, own.title]
    await alice.select(panel.response.message, ["emoji"], custom_id=menu["custom_id"])
    assert (await made(services, channel, alice)).model == "easel-emoji"
    await alice.select(panel.response.message, [menu["options"][0]["value"]], custom_id=menu["custom_id"])
    await alice.slash(channel, "prefer suffix", new_value="--v emoji")
    assert (await made(services, channel, alice)).model == "easel-emoji"


async def test_settings_survive_a_restart(
    simcord_env: Env,
    services: Services,
    channel: ChannelHandle,
    alice: MemberActor,
    new_bot: Callable[[], EaselClient],
) -> None:
    """They are kept in Redis, not in the process."""
    await alice.slash(channel, "relax")
    await simcord_env.restart_bot(new_bot())
    assert (await made(services, channel, alice)).speed is Speed.RELAX


@pytest.mark.parametrize("speed", list(Speed))
async def test_a_speed_command_sets_the_speed(
    services: Services, channel: ChannelHandle, alice: MemberActor, speed: Speed
) -> None:
    """The answer begins with `Done!`, which clients look for; a flag in the prompt still wins."""
    result = await alice.slash(channel, speed.value)
    assert result.ephemeral
    assert result.response is not None
    assert result.response.content.startswith("Done!")
    assert (await made(services, channel, alice)).speed is speed
    assert (await made(services, channel, alice, "a fox --fast")).speed is Speed.FAST


async def test_stealth_and_public(services: Services, channel: ChannelHandle, alice: MemberActor) -> None:
    """A flag in the prompt wins over the setting."""
    await alice.slash(channel, "stealth")
    assert (await made(services, channel, alice)).stealth
    assert not (await made(services, channel, alice, "a fox --public")).stealth
    await alice.slash(channel, "public")
    assert not (await made(services, channel, alice)).stealth


async def test_an_option_stands_for_what_was_set(
    services: Services, channel: ChannelHandle, alice: MemberActor, bob: MemberActor
) -> None:
    """`--mine` works for its owner, is listed, suggested, and gone once set to nothing."""
    await alice.slash(channel, "prefer option set", option="mine", value="in watercolour --ar 7:4")
    job = await made(services, channel, alice, "a fox --mine")
    assert "a fox in watercolour --ar 7:4" in job.prompt.echo
    listed = await alice.slash(channel, "prefer option list")
    assert listed.response is not None
    assert listed.response.content == "`--mine`: in watercolour --ar 7:4"
    suggested = await alice.autocomplete(channel, "prefer option set", "option", "mi")
    assert [choice["value"] for choice in suggested] == ["mine"]
    refused = await bob.slash(channel, "imagine", prompt="a fox --mine")
    assert refused.response is not None
    assert refused.response.embeds
    await alice.slash(channel, "prefer option set", option="mine")
    refused = await alice.slash(channel, "imagine", prompt="a fox --mine")
    assert refused.response is not None
    assert refused.response.embeds


async def test_an_option_that_never_was_cannot_be_removed(channel: ChannelHandle, alice: MemberActor) -> None:
    """Nothing is said to be gone that was not there."""
    result = await alice.slash(channel, "prefer option set", option="mine")
    assert result.response is not None
    [embed] = result.response.embeds
    assert (embed.description or "").startswith("You have no option `--mine`, so nothing was removed.")


@pytest.mark.parametrize(("name", "word"), [("two words", "two words"), ("ar", "--ar"), ("", "name of an option")])
async def test_an_option_needs_a_name_of_its_own(
    channel: ChannelHandle, alice: MemberActor, name: str, word: str
) -> None:
    """No spaces, and no name of a parameter."""
    result = await alice.slash(channel, "prefer option set", option=name, value="x")
    assert result.response is not None
    [embed] = result.response.embeds
    assert word in (embed.description or "")


async def test_there_are_at_most_twenty_options(services: Services, channel: ChannelHandle, alice: MemberActor) -> None:
    """The twenty-first is refused; changing one of the twenty is not."""
    for number in range(20):
        await services.preferences.set(f"user:{alice.id}", f"option:o{number}", "x")
    refused = await alice.slash(channel, "prefer option set", option="another", value="x")
    assert refused.response is not None
    assert refused.response.embeds[0].title == "Too many options"
    changed = await alice.slash(channel, "prefer option set", option="o3", value="y")
    assert changed.response is not None
    assert changed.response.content.startswith("Done!")


async def test_the_suffix_is_appended_to_every_prompt(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Parameters only: words are refused in the prompt's own terms."""
    await alice.slash(channel, "prefer suffix", new_value="--ar 2:1")
    assert (await made(services, channel, alice)).prompt.parameters.aspect == (2, 1)
    refused = await alice.slash(channel, "prefer suffix", new_value="soft")
    assert refused.response is not None
    assert "soft" in (refused.response.embeds[0].description or "")
    await alice.slash(channel, "prefer suffix")
    assert (await made(services, channel, alice)).prompt.parameters.aspect is None


async def test_variability_is_how_far_v_departs(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """After /prefer variability, V1 is subtle."""
    grid = await made(services, channel, alice)
    store_record(services, grid)
    await alice.slash(channel, "prefer variability")
    await alice.click(await post_result(simcord_env, channel, grid), label="V1")
    request = (await accepted_job(services, alice.id)).request
    assert isinstance(request, Variation)
    assert request.strength is Strength.SUBTLE


async def test_remix_answers_with_an_edit_clients_wait_for(
    simcord_env: Env, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Deferred, then `Remix mode turned on`, and off the next time."""
    for word in ("on", "off"):
        result = await alice.slash(channel, "prefer remix")
        assert calls(simcord_env)[-2:] == [("POST", "callback", 5), ("PATCH", "@original", None)]
        assert result.response is not None
        assert result.response.content == f"Remix mode turned {word}"


async def test_a_channels_settings_hold_for_whoever_set_nothing(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Server, then channel, then person."""
    await services.preferences.set(f"guild:{channel.guild.id}", "speed", "relax")  # type: ignore[union-attr]
    assert (await made(services, channel, alice)).speed is Speed.RELAX
    await services.preferences.set(f"channel:{channel.id}", "speed", "turbo")
    assert (await made(services, channel, alice)).speed is Speed.TURBO
    await alice.slash(channel, "fast")
    assert (await made(services, channel, alice)).speed is Speed.FAST


async def test_a_speed_that_is_not_on_offer_has_no_switch(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """The others keep theirs, after a press too."""
    await services.policies.set_policy({"turbo": False})
    panel = await alice.slash(channel, "settings")
    assert panel.response is not None
    await alice.click(panel.response.message, label="Relax mode")
    buttons = [button for row in panel.response.components for button in row["components"]]
    labels = [button.get("label") for button in buttons]
    speeds = ("Turbo mode", "Fast mode", "Relax mode")
    assert [label for label in labels if label in speeds] == ["Fast mode", "Relax mode"]
