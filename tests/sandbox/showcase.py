"""A bot that shows one of everything a page has to draw, and says back what it was given.

``python -m tests.sandbox.showcase BASE_URL TOKEN CHANNEL_ID`` prints "ready" when all of it is in the channel.
"""

import asyncio
import io
import sys
from typing import Any, cast

import discord
import yarl
from discord import app_commands, ui
from PIL import Image

CELLS = [f"{row}{column}" for row in "ABCDE" for column in range(1, 6)]
PICTURES = 7
CHINESE = {"everything": "全部", "Every type of option": "每一种选项", "prompt": "提示词", "oil": "油画"}


def picture(level: int, width: int = 64, height: int = 64) -> io.BytesIO:
    """A PNG of one colour."""
    return _saved([Image.new("RGB", (width, height), (25 * level % 256, 120, 80))], "PNG")


def animation() -> io.BytesIO:
    """An animated WebP of three frames."""
    return _saved([Image.new("RGB", (64, 64), (80 * level, 0, 0)) for level in range(3)], "WEBP")


def _saved(frames: list[Image.Image], kind: str) -> io.BytesIO:
    buffer = io.BytesIO()
    more = {"save_all": True, "append_images": frames[1:], "duration": 100, "loop": 0} if len(frames) > 1 else {}
    frames[0].save(buffer, kind, **more)
    buffer.seek(0)
    return buffer


def options(*labels: str) -> list[discord.SelectOption]:
    """A select menu's options."""
    return [discord.SelectOption(label=label, description=f"about {label}", emoji="📄") for label in labels]


class Region(ui.Modal, title="Vary (Region)"):
    """The fields that a region modal needs: cells, files, text, one choice, several choices."""

    cells: ui.Label[Any] = ui.Label(
        text="Where",
        description="Rows A-E from the top, columns 1-5",
        component=ui.Select(
            min_values=0, max_values=25, required=False, options=[discord.SelectOption(label=cell) for cell in CELLS]
        ),
    )
    files: ui.Label[Any] = ui.Label(text="Painted over", component=ui.FileUpload(required=False, max_values=2))
    words: ui.Label[Any] = ui.Label(
        text="Words", component=ui.TextInput(style=discord.TextStyle.long, default="a red apple")
    )
    strength: ui.Label[Any] = ui.Label(
        text="How much",
        component=ui.RadioGroup(
            options=[discord.RadioGroupOption(label="Subtle"), discord.RadioGroupOption(label="Strong", default=True)]
        ),
    )
    more: ui.Label[Any] = ui.Label(
        text="Also",
        component=ui.CheckboxGroup(
            required=False,
            options=[discord.CheckboxGroupOption(label="Colours"), discord.CheckboxGroupOption(label="Edge")],
        ),
    )

    async def on_submit(self, interaction: Any) -> None:
        cells, files, words, strength, more = (
            cast(Any, label.component) for label in (self.cells, self.files, self.words, self.strength, self.more)
        )
        names = " ".join(file.filename for file in files.values)
        await interaction.response.send_message(
            f"cells {' '.join(cells.values)}; files {names}; words {words.value!r}; {strength.value}; {more.values}"
        )


class Choices(ui.Modal, title="Choices"):
    """The other fields, below some text."""

    text: ui.TextDisplay[Any] = ui.TextDisplay("Some **text** above the fields.")
    who: ui.Label[Any] = ui.Label(text="Who", component=ui.UserSelect())
    agree: ui.Label[Any] = ui.Label(text="Agree", description="to everything", component=ui.Checkbox())
    style: ui.Label[Any] = ui.Label(text="Style", component=ui.Select(options=options("oil", "ink")))

    async def on_submit(self, interaction: Any) -> None:
        who, agree, style = (cast(Any, label.component) for label in (self.who, self.agree, self.style))
        answer = f"{who.values[0]} {agree.value} {style.values[0]}"
        await interaction.response.send_message(answer, ephemeral=True)


class Panel(ui.View):
    """Buttons of every style and select menus."""

    def __init__(self, link: str) -> None:
        super().__init__(timeout=None)
        self.add_item(ui.Button(label="Elsewhere", url="https://example.com/x", emoji="🔗"))
        self.add_item(ui.Button(label="First message", url=link))

    @ui.button(label="Region", emoji="🖌️", style=discord.ButtonStyle.primary)
    async def region(self, interaction: Any, button: Any) -> None:
        await interaction.response.send_modal(Region())

    @ui.button(label="Choices", style=discord.ButtonStyle.success)
    async def choices(self, interaction: Any, button: Any) -> None:
        await interaction.response.send_modal(Choices())

    @ui.button(emoji="🔄", style=discord.ButtonStyle.secondary)
    async def again(self, interaction: Any, button: Any) -> None:
        await interaction.response.send_message("again", ephemeral=True)

    @ui.select(placeholder="A page", options=options("Page 1", "Page 2"))
    async def page(self, interaction: Any, select: Any) -> None:
        await interaction.response.send_message(f"chose {select.values[0]}", ephemeral=True)

    @ui.select(placeholder="Several", max_values=3, options=options("one", "two", "three", "four"))
    async def several(self, interaction: Any, select: Any) -> None:
        await interaction.response.send_message(f"chose {' and '.join(select.values)}", ephemeral=True)


class Words(app_commands.Translator):
    """Chinese names for what has some."""

    async def translate(self, string: Any, locale: discord.Locale, context: Any) -> str | None:
        return CHINESE.get(string.message) if locale is discord.Locale.chinese else None


def add_commands(tree: app_commands.CommandTree[Any]) -> None:
    """Options of every type, subcommands, menus of messages and of people."""
    words = app_commands.locale_str

    @tree.command(name=words("everything"), description=words("Every type of option"))
    @app_commands.rename(prompt=words("prompt"))
    @app_commands.choices(style=[app_commands.Choice(name=words(name), value=name) for name in ("oil", "ink")])
    async def everything(
        interaction: Any,
        prompt: str,
        image: discord.Attachment | None = None,
        second: discord.Attachment | None = None,
        size: app_commands.Range[int, 1, 10] = 3,
        style: str = "",
        model: str = "",
        who: discord.User | None = None,
        role: discord.Role | None = None,
        anybody: discord.User | discord.Role | None = None,
    ) -> None:
        files = " ".join(file.filename for file in (image, second) if file is not None)
        answer = f"{prompt!r}; files {files}; {size}; {style}; {model}; {who}; {role}; {anybody}; {interaction.locale}"
        await interaction.response.send_message(answer, allowed_mentions=discord.AllowedMentions.none())

    @everything.autocomplete("model")
    async def models(interaction: Any, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"Model {typed}{number}", value=f"m{number}") for number in (1, 2)]

    group = app_commands.Group(name="prefer", description="Preferences")

    @group.command(name="suffix", description="What every prompt ends in")
    async def suffix(interaction: Any, value: str | None = None) -> None:
        await interaction.response.send_message(f"suffix {value!r}", ephemeral=True)

    tree.add_command(group)

    @tree.context_menu(name="Details")
    async def details(interaction: Any, message: discord.Message) -> None:
        await interaction.response.send_message(f"details of {message.id}", ephemeral=True)

    @tree.context_menu(name="Pictures of")
    async def pictures(interaction: Any, user: discord.User) -> None:
        await interaction.response.send_message(f"pictures of {user.name}", ephemeral=True)


class Showcase(discord.Client):
    """Posts everything once it is connected."""

    def __init__(self, channel_id: int) -> None:
        super().__init__(intents=discord.Intents.default(), guild_ready_timeout=0.1)
        self.tree = app_commands.CommandTree(self)
        self._channel_id = channel_id

    async def setup_hook(self) -> None:
        add_commands(self.tree)
        await self.tree.set_translator(Words())
        await self.tree.sync()

    async def on_ready(self) -> None:
        channel: Any = self.get_channel(self._channel_id)
        first = await channel.send("the first of all")
        link = f"https://discord.com/channels/{first.guild.id}/{channel.id}/{first.id}"
        await channel.send("pictures", files=[discord.File(picture(n), f"{n}.png") for n in range(PICTURES)])
        await channel.send("animation", file=discord.File(animation(), "moves.webp"))
        view = ui.LayoutView(timeout=None)
        shown = [discord.MediaGalleryItem(f"attachment://{n}.png", spoiler=n == 1) for n in range(2)]
        section: Any = ui.Section(ui.TextDisplay("seed 7"), accessory=ui.Thumbnail("attachment://0.png"))
        view.add_item(
            ui.Container(
                ui.TextDisplay("## Sheet"), ui.MediaGallery(*shown), section, ui.File("attachment://notes.txt")
            )
        )
        files = [discord.File(picture(n, 96, 96), f"{n}.png") for n in range(2)]
        await channel.send(view=view, files=[*files, discord.File(io.BytesIO(b"notes " * 400), "notes.txt")])
        await channel.send(f"history: {link} and [this one]({link})")
        await channel.send("panel", view=Panel(link))
        print("ready", flush=True)


async def main(base_url: str, token: str, channel_id: str) -> None:
    """Run until killed."""
    discord.http.Route.BASE = f"{base_url}/api/v10"
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(base_url.replace("http", "ws", 1))
    async with Showcase(int(channel_id)) as client:
        await client.start(token)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
