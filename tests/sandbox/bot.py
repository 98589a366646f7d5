"""A small bot on the unmodified discord.py: one of everything that Easel's own bot needs from Discord."""

import asyncio
import io
import re
from typing import Any, Self

import discord
from discord import app_commands

from sandbox.images import square


class Upscale(
    discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"MJ::JOB::upsample::(?P<index>\d)::(?P<job>\w+)"
):
    """A button that carries everything in its custom id."""

    def __init__(self, index: int, job: str) -> None:
        self.index = index
        self.job = job
        super().__init__(discord.ui.Button(label=f"U{index}", custom_id=f"MJ::JOB::upsample::{index}::{job}"))

    @classmethod
    async def from_custom_id(cls, interaction: Any, item: Any, match: re.Match[str], /) -> Self:
        return cls(int(match["index"]), match["job"])

    async def callback(self, interaction: Any) -> None:
        await interaction.response.send_message(f"upscaling {self.index} of {self.job}")


class Remix(discord.ui.Modal, title="Remix"):
    """A modal with one text field."""

    prompt: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label="New prompt", custom_id="new_prompt", default="a fox"
    )

    async def on_submit(self, interaction: Any) -> None:
        await interaction.response.send_message(f"**{self.prompt.value}**")


class Panel(discord.ui.View):
    """Buttons with callbacks of their own."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Remix", custom_id="panel:remix")
    async def remix(self, interaction: Any, button: Any) -> None:
        await interaction.response.send_modal(Remix())

    @discord.ui.button(label="Count", custom_id="panel:count")
    async def count(self, interaction: Any, button: Any) -> None:
        await interaction.response.edit_message(content="counted")

    @discord.ui.select(custom_id="panel:size", options=[discord.SelectOption(label=x) for x in ("small", "large")])
    async def size(self, interaction: Any, select: Any) -> None:
        await interaction.response.send_message(f"size {select.values[0]}", ephemeral=True)


class Layout(discord.ui.LayoutView):
    """A Components V2 page."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        gallery: discord.ui.MediaGallery[Any] = discord.ui.MediaGallery(discord.MediaGalleryItem("attachment://a.png"))
        row: discord.ui.ActionRow[Any] = discord.ui.ActionRow(Upscale(2, "v2").item)
        self.add_item(discord.ui.Container(discord.ui.TextDisplay("# Settings"), gallery, row))


def picture(name: str = "a.png", description: str | None = None) -> discord.File:
    """A small PNG of 64 by 64 pixels."""
    return discord.File(io.BytesIO(square(200, 90, 40)), name, description=description)


class Bot(discord.AutoShardedClient):
    """Registers its commands, then answers."""

    def __init__(self, **options: Any) -> None:
        # The default waits two seconds for further guilds; there is only one.
        super().__init__(intents=discord.Intents.default(), guild_ready_timeout=0.1, **options)
        self.tree: app_commands.CommandTree[Bot] = app_commands.CommandTree(self)
        self.seen: list[Any] = []
        self.resumed = asyncio.Event()
        self.failures: asyncio.Queue[discord.HTTPException] = asyncio.Queue()
        self.hold = asyncio.Event()

    async def on_interaction(self, interaction: Any) -> None:
        self.seen.append(interaction)

    async def on_shard_resumed(self, shard_id: int) -> None:
        self.resumed.set()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """The default waits five seconds between shards, as /gateway/bot may ask for; the sandbox does not."""

    async def setup_hook(self) -> None:
        self.add_dynamic_items(Upscale)
        self.add_view(Panel())

        @self.tree.command(description="Make a picture")
        async def imagine(interaction: Any, prompt: app_commands.Range[str, 1, 100]) -> None:
            said = await interaction.response.send_message(
                f"**{prompt}** - <@{interaction.user.id}> (Waiting to start)"
            )
            channel = self.get_partial_messageable(interaction.channel_id)
            message = channel.get_partial_message(said.message_id)
            await message.edit(content=f"**{prompt}** - <@{interaction.user.id}> (31%) (fast)", attachments=[picture()])
            view: discord.ui.View = discord.ui.View(timeout=None)
            for index in range(1, 5):
                view.add_item(Upscale(index, "abc"))
            final = picture("ada_a_fox_0b5c.png", "a fox")
            await channel.send(f"**{prompt}** - <@{interaction.user.id}> (fast)", file=final, view=view)
            view.stop()
            await message.delete()

        @self.tree.command(description="Answer later")
        async def slow(interaction: Any, picture_in: discord.Attachment | None = None) -> None:
            await interaction.response.defer(thinking=True)
            size = f"{picture_in.width}x{picture_in.height}" if picture_in else "nothing"
            await interaction.followup.send(f"got {size}", file=picture(description="alt"))
            await interaction.followup.send("and this", ephemeral=True)
            await interaction.edit_original_response(content=f"got {size}, edited")

        @self.tree.command(description="A panel")
        async def panel(interaction: Any) -> None:
            await interaction.response.send_message("panel", view=Panel(), ephemeral=True)

        @self.tree.command(description="A V2 page")
        async def page(interaction: Any) -> None:
            await interaction.response.send_message(view=Layout(), file=picture())

        @self.tree.command(description="Never answers")
        async def silent(interaction: Any) -> None:
            await self.hold.wait()
            try:
                await interaction.response.send_message("too late")
            except discord.HTTPException as error:
                self.failures.put_nowait(error)

        @self.tree.command(description="Offers styles")
        async def style(interaction: Any, name: str) -> None:
            await interaction.response.send_message(name)

        @style.autocomplete("name")
        async def complete(interaction: Any, typed: str) -> list[app_commands.Choice[str]]:
            return [app_commands.Choice(name=typed + end, value=typed + end) for end in ("ish", "esque")]

        @self.tree.context_menu(name="Send to me")
        async def send_to_me(interaction: Any, message: discord.Message) -> None:
            await interaction.user.send(message.content)
            await interaction.response.send_message("sent", ephemeral=True)

        prefer = app_commands.Group(name="prefer", description="Preferences")

        @prefer.command(description="Switch remix")
        async def remix(interaction: Any) -> None:
            await interaction.response.send_message("remix is on", ephemeral=True)

        self.tree.add_command(prefer)
        await self.tree.sync()
