"""Every button of ours, found by its custom_id: presses work after restarts and from any process."""

from __future__ import annotations

import re
from typing import Any, Self

import discord

from bot.answering import answering, promptly
from bot.client import Interaction
from bot.imagine.batch import start_batch
from bot.imagine.prompts import imagine_text
from bot.jobs.cancelling import cancel_by_press
from bot.permissions import check_channel
from bot.profiles import profile_of
from bot.rendering import embed_of
from bot.results.again import send_if_wanted
from bot.results.follow_ups import job_behind, model_remark, next_job
from bot.results.remix import open_remix
from bot.rules import enforce
from bot.waiting.submission import submit
from contract.actions import CUSTOM_ID, Action, ButtonId, custom_id, read_custom_id
from contract.codec import job_from_document
from contract.errors import UnknownButton, UserError
from contract.jobs import Queue
from contract.messages import NOTICE_COLOUR, Embed


class JobButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=CUSTOM_ID):
    """U1-U4, V1-V4, 🔄, Vary (Subtle), Vary (Strong) and Cancel Job."""

    def __init__(self, button: discord.ui.Button[Any], pressed_id: str) -> None:
        super().__init__(button)
        self.pressed_id = pressed_id

    @classmethod
    async def from_custom_id(  # type: ignore[override]
        cls, interaction: Interaction, item: discord.ui.Button[Any], match: re.Match[str], /
    ) -> Self:
        """The button that was pressed."""
        return cls(item, match[0])

    async def callback(self, interaction: Interaction) -> None:  # type: ignore[override]
        """Make the next job, or cancel this one."""
        async with answering(interaction, ephemeral=True):
            try:
                button = read_custom_id(self.pressed_id)
            except UnknownButton:
                raise UserError("unknown_button") from None
            if button.action is Action.CANCEL:
                await cancel_by_press(interaction, button.job)
            else:
                async with interaction.client.turns:
                    await press(interaction, button)


class PendingButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=r"Easel::Pending::(?P<verb>run|confirm|dismiss)::(?P<token>[0-9a-f]{16})",
):
    """Run corrected prompt, and Yes and No to many jobs."""

    def __init__(self, button: discord.ui.Button[Any], verb: str, token: str) -> None:
        super().__init__(button)
        self.verb = verb
        self.token = token

    @classmethod
    async def from_custom_id(  # type: ignore[override]
        cls, interaction: Interaction, item: discord.ui.Button[Any], match: re.Match[str], /
    ) -> Self:
        """The button that was pressed."""
        return cls(item, match["verb"], match["token"])

    async def callback(self, interaction: Interaction) -> None:  # type: ignore[override]
        """Do what was asked, once, for the one who asked."""
        async with answering(interaction, ephemeral=True):
            preferences = interaction.client.services.preferences
            async with promptly():
                request = await preferences.take_pending(self.token, owner=interaction.user.id)
            match self.verb, request:
                case "run", {"kind": "prompt", "prompt": str(prompt)}:
                    async with interaction.client.turns:
                        await imagine_text(interaction, prompt)
                case "confirm", {"kind": "jobs", "jobs": list(documents)}:
                    await start_batch(interaction, [job_from_document(document) for document in documents])
                case "dismiss", {"kind": "jobs"}:
                    nothing = Embed("Not started", "Nothing was run.", NOTICE_COLOUR)
                    await interaction.response.edit_message(embed=embed_of(nothing), view=None)
                case _:
                    raise UserError("request_expired")


async def press(interaction: Interaction, button: ButtonId) -> None:
    """A press on a finished picture: find its job, derive the next one, submit it."""
    check_channel(interaction)
    profile = await profile_of(interaction)
    job = await job_behind(interaction, button.job, interaction.message)
    await enforce(interaction, profile.rules, [job])
    if profile.remix and button.action.value.remixable:
        await open_remix(interaction, button, job, profile.strength)
        return
    made = next_job(interaction, button, job, profile)
    await submit(interaction, made, remark=await model_remark(interaction.client, made, job))
    interaction.client.colours.mark(interaction.message, [custom_id(button.action, button.index, button.job)])
    if made.request.queue is Queue.DELIVER and profile.auto_dm:
        # Nothing has to be made, so no worker will say that it is finished.
        interaction.client.background(send_if_wanted(interaction.client, made.id))
