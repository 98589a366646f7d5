"""The panel of `/settings`: what it shows, and what a press on it changes. Ids and labels are Midjourney's."""

from __future__ import annotations

import re
from typing import Any, Self

import discord

from bot.answering import answering, promptly
from bot.client import Interaction
from bot.profiles import Profile, profile_of
from contract.actions import Button, ButtonStyle
from contract.catalogue import Catalogue
from contract.errors import UserError
from contract.jobs import Speed, Strength
from exchange import preferences

STYLIZE_LEVELS = {50: "Stylize low", 100: "Stylize med", 250: "Stylize high", 750: "Stylize very high"}
SPEEDS = {Speed.TURBO: "Turbo mode", Speed.FAST: "Fast mode", Speed.RELAX: "Relax mode"}

VERSION_SELECTOR = "MJ::Settings::VersionSelector"
RESET = ("version", "stylize", "raw", "strength", "remix")
"""What Reset Settings forgets: the look. Speed, visibility, suffix and options stay, as at Midjourney."""

_MENU_LENGTH = 25
"""Options in one menu (Discord)."""


class SettingsButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"(?!{VERSION_SELECTOR})MJ::Settings::(?P<name>\w+)(?:::(?P<value>\w+))?",
):
    """A switch on the panel."""

    def __init__(self, button: discord.ui.Button[Any], name: str, value: str | None) -> None:
        super().__init__(button)
        self.name = name
        self.value = value

    @classmethod
    async def from_custom_id(  # type: ignore[override]
        cls, interaction: Interaction, item: discord.ui.Button[Any], match: re.Match[str], /
    ) -> Self:
        """The switch that was pressed."""
        return cls(item, match["name"], match["value"])

    async def callback(self, interaction: Interaction) -> None:  # type: ignore[override]
        """Change the setting and show the panel anew."""
        async with answering(interaction, ephemeral=True):
            await change(interaction, changes(self.name, self.value, await profile_of(interaction)))


class VersionSelect(discord.ui.DynamicItem[discord.ui.Select[Any]], template=VERSION_SELECTOR):
    """The menu of versions."""

    @classmethod
    async def from_custom_id(  # type: ignore[override]
        cls, interaction: Interaction, item: discord.ui.Select[Any], match: re.Match[str], /
    ) -> Self:
        """The menu that was used."""
        return cls(item)

    async def callback(self, interaction: Interaction) -> None:  # type: ignore[override]
        """Take the chosen version."""
        async with answering(interaction, ephemeral=True):
            [version] = self.item.values
            if version not in interaction.client.services.catalogue.offered:
                raise UserError("unknown_button")
            await change(interaction, {"version": version})


async def change(interaction: Interaction, settings: dict[str, Any]) -> None:
    """Store a person's settings (None forgets one) and show the panel anew in place."""
    store = interaction.client.services.preferences
    async with promptly():
        for name, value in settings.items():
            await store.set(preferences.user(interaction.user.id), name, value)
    profile = await profile_of(interaction)
    await interaction.response.edit_message(
        content=summary(profile), view=panel(profile, interaction.client.services.catalogue)
    )


def changes(name: str, value: str | None, profile: Profile) -> dict[str, Any]:
    """What pressing the switch `name` changes in this profile. UserError for a switch that is not ours."""
    match name, value:
        case "Style", "raw":
            return {"raw": not profile.raw}
        case "Stylize", str(level) if level.isdecimal() and int(level) in STYLIZE_LEVELS:
            return {"stylize": int(level)}
        case "PublicMode", None:
            return {"stealth": not profile.stealth}
        case "RemixMode", None:
            return {"remix": not profile.remix}
        case "HighVariabilityMode", "0" | "1":
            return {"strength": (Strength.STRONG if value == "1" else Strength.SUBTLE).value}
        case "SpeedMode", str(speed) if speed in list(Speed):
            return {"speed": speed}
        case "Reset", None:
            return dict.fromkeys(RESET)
        case _:
            raise UserError("unknown_button")


def panel(profile: Profile, catalogue: Catalogue) -> discord.ui.View:
    """The menu and the switches; green ones are on."""
    view = discord.ui.View(timeout=None)
    menu: discord.ui.Select[Any] = discord.ui.Select(custom_id=VERSION_SELECTOR, placeholder="Version", row=0)
    for version in catalogue.offered[:_MENU_LENGTH]:
        menu.add_option(label=version_title(version), value=version, default=version == profile.version)
    view.add_item(menu)
    for row, buttons in enumerate(_switches(profile), start=1):
        for button in buttons:
            view.add_item(
                discord.ui.Button(
                    custom_id=button.custom_id,
                    label=button.label,
                    emoji=button.emoji,
                    style=discord.ButtonStyle(int(button.style)),
                    row=row,
                )
            )
    view.stop()
    return view


def summary(profile: Profile) -> str:
    """The words above the panel, for people and for programs that cannot read a switch's colour."""
    lines = [
        "Adjust your settings here.",
        f"Current suffix: `{profile.suffix}`" if profile.suffix else "Current suffix: none",
        f"Version {version_title(profile.version)} · {SPEEDS[profile.speed]} · "
        f"{'Stealth' if profile.stealth else 'Public'} · Remix {'on' if profile.remix else 'off'} · "
        f"{'High' if profile.strength is Strength.STRONG else 'Low'} variation",
    ]
    return "\n".join(lines)


def version_title(version: str) -> str:
    """`6.1`, `Niji 6`, `Test`."""
    return version.capitalize()


def _switches(profile: Profile) -> list[list[Button]]:
    stylize = 100 if profile.stylize is None else profile.stylize
    strong = profile.strength is Strength.STRONG
    return [
        [
            _switch("Style::raw", "RAW Mode", on=profile.raw),
            *(_switch(f"Stylize::{level}", label, on=stylize == level) for level, label in STYLIZE_LEVELS.items()),
        ],
        [
            _switch("PublicMode", "Public mode", on=not profile.stealth),
            _switch("RemixMode", "Remix mode", on=profile.remix),
            _switch("HighVariabilityMode::1", "High Variation Mode", on=strong),
            _switch("HighVariabilityMode::0", "Low Variation Mode", on=not strong),
        ],
        [
            *(_switch(f"SpeedMode::{speed}", label, on=profile.speed is speed) for speed, label in SPEEDS.items()),
            _switch("Reset", "Reset Settings", on=False),
        ],
    ]


def _switch(id: str, label: str, *, on: bool) -> Button:
    return Button(f"MJ::Settings::{id}", label, style=ButtonStyle.SUCCESS if on else ButtonStyle.SECONDARY)
