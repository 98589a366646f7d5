"""What a person sets for themselves: `/settings`, `/prefer`, the speeds and who may see the pictures."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from discord import app_commands

from bot.answering import answering, promptly
from bot.client import Interaction
from bot.preferences.panel import panel, summary
from bot.profiles import OPTION_PREFIX, profile_of
from bot.rendering import code
from contract.errors import UserError
from contract.jobs import Speed, Strength
from contract.prompt import parse
from contract.prompt.flags import SPELLINGS
from exchange import preferences

MAX_OPTIONS = 20
_OPTION_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,31}")
_OPTION_LENGTH = 1000
_CHOICES = 25
"""Suggestions that Discord shows for one option."""


@app_commands.command(description="View and adjust your personal settings")
async def settings(interaction: Interaction) -> None:
    """The panel. It is deferred first, because clients wait for the edit that follows."""
    async with answering(interaction, ephemeral=True):
        await interaction.response.defer(ephemeral=True, thinking=True)
        profile = await profile_of(interaction)
        await interaction.edit_original_response(
            content=summary(profile), view=panel(profile, interaction.client.services.catalogue)
        )


@app_commands.command(description="Switch to fast mode")
async def fast(interaction: Interaction) -> None:
    """Jobs come before relaxed ones."""
    await _keep(interaction, {"speed": Speed.FAST.value}, "Your jobs now go first. Switch back with /relax")


@app_commands.command(description="Switch to relax mode")
async def relax(interaction: Interaction) -> None:
    """Jobs wait for idle times, but never for ever."""
    done = "Your jobs now let others go first, but might take a little longer. You can always switch back with /fast"
    await _keep(interaction, {"speed": Speed.RELAX.value}, done)


@app_commands.command(description="Switch to turbo mode")
async def turbo(interaction: Interaction) -> None:
    """Jobs come before fast ones."""
    await _keep(interaction, {"speed": Speed.TURBO.value}, "Your jobs now go before all others. Back with /fast")


@app_commands.command(description="Show nobody else what you make, outside this channel")
async def stealth(interaction: Interaction) -> None:
    """Jobs are marked as stealth."""
    await _keep(interaction, {"stealth": True}, "Your pictures are now marked as stealth. Back with /public")


@app_commands.command(description="Let everybody see what you make")
async def public(interaction: Interaction) -> None:
    """Jobs are not marked as stealth."""
    await _keep(interaction, {"stealth": None}, "Your pictures are now public")


prefer = app_commands.Group(name="prefer", description="Your own shortcuts and habits")
option = app_commands.Group(name="option", description="Shortcuts such as --mine", parent=prefer)


@option.command(name="set", description="Make, change or remove a shortcut")
@app_commands.describe(option="The name, used as --name in a prompt", value="What it stands for; empty removes it")
async def option_set(interaction: Interaction, option: str, value: str | None = None) -> None:
    """Keep what `--option` stands for; without a value, forget it."""
    async with answering(interaction, ephemeral=True):
        name = option.strip().lstrip("-—").lower()
        if not _OPTION_NAME.fullmatch(name):
            raise UserError("bad_option_name", option=option[:60])
        if name in SPELLINGS:
            raise UserError("option_is_a_parameter", option=name)
        profile = await profile_of(interaction)
        if value is None or not value.strip():
            if name not in profile.options:
                raise UserError("no_such_option", option=name)
            await _keep(interaction, {OPTION_PREFIX + name: None}, f"The option `--{name}` is gone")
            return
        if name not in profile.options and len(profile.options) >= MAX_OPTIONS:
            raise UserError("too_many_options", limit=MAX_OPTIONS)
        if len(value) > _OPTION_LENGTH:
            raise UserError("option_too_long", limit=_OPTION_LENGTH)
        await _keep(interaction, {OPTION_PREFIX + name: value.strip()}, f"`--{name}` now stands for `{code(value)}`")


@option_set.autocomplete("option")
async def _option_names(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    try:
        profile = await profile_of(interaction)
    except UserError:
        return []  # suggestions are a convenience: without them the name can still be typed
    names = sorted(name for name in profile.options if current.lower().lstrip("-") in name)
    return [app_commands.Choice(name=name, value=name) for name in names[:_CHOICES]]


@option.command(name="list", description="Show your shortcuts")
async def option_list(interaction: Interaction) -> None:
    """All shortcuts with what they stand for."""
    async with answering(interaction, ephemeral=True):
        profile = await profile_of(interaction)
        lines = [f"`--{name}`: {code(value)[:80]}" for name, value in sorted(profile.options.items())]
        text = "\n".join(lines) or "You have no options yet. Make one with `/prefer option set`."
        await interaction.response.send_message(text, ephemeral=True)


@prefer.command(description="Set parameters to append to every prompt of yours")
@app_commands.describe(new_value="Parameters such as --ar 3:2; empty clears the suffix")
async def suffix(interaction: Interaction, new_value: str | None = None) -> None:
    """Keep or clear the suffix. What would be refused in a prompt is refused here."""
    async with answering(interaction, f"/prefer suffix {new_value or ''}", ephemeral=True):
        if new_value is None or not new_value.strip():
            await _keep(interaction, {"suffix": None}, "Your suffix is gone")
            return
        profile = await profile_of(interaction)
        parse(new_value, replace(profile.context("prefer_suffix"), suffix=""))
        await _keep(interaction, {"suffix": new_value.strip()}, f"Your suffix is now `{code(new_value)}`")


@prefer.command(description="Switch remix mode on or off")
async def remix(interaction: Interaction) -> None:
    """Whether V and 🔄 ask for other words first. Deferred first, because clients wait for the edit that follows."""
    async with answering(interaction, ephemeral=True):
        await interaction.response.defer(ephemeral=True, thinking=True)
        on = not (await profile_of(interaction)).remix
        await _store(interaction, {"remix": on})
        await interaction.edit_original_response(content=f"Remix mode turned {_on_off(on)}")


@prefer.command(description="Switch between strong and subtle variations")
async def variability(interaction: Interaction) -> None:
    """How far V departs from its picture."""
    async with answering(interaction, ephemeral=True):
        strong = (await profile_of(interaction)).strength is Strength.SUBTLE
        strength = Strength.STRONG if strong else Strength.SUBTLE
        await _keep(interaction, {"strength": strength.value}, f"{'High' if strong else 'Low'} variation mode is on")


@prefer.command(description="Switch sending your results to you as direct messages on or off")
async def auto_dm(interaction: Interaction) -> None:
    """Whether every finished job also comes as a direct message."""
    async with answering(interaction, ephemeral=True):
        on = not (await profile_of(interaction)).auto_dm
        await _keep(interaction, {"auto_dm": on}, f"Sending results as direct messages is {_on_off(on)}")


async def _keep(interaction: Interaction, settings: dict[str, Any], done: str) -> None:
    """Store settings (None forgets one) and say so."""
    async with answering(interaction, ephemeral=True):
        await _store(interaction, settings)
        await interaction.response.send_message(f"Done! {done}", ephemeral=True)


async def _store(interaction: Interaction, settings: dict[str, Any]) -> None:
    store = interaction.client.services.preferences
    async with promptly():
        for name, value in settings.items():
            await store.set(preferences.user(interaction.user.id), name, value)


def _on_off(on: bool) -> str:
    return "on" if on else "off"
