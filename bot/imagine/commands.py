"""`/imagine`: words become four pictures; `/surprise`: none do, and four pictures come all the same."""

from __future__ import annotations

from discord import app_commands

from bot.answering import answering
from bot.client import Interaction
from bot.imagine.prompts import imagine_nothing, imagine_text


@app_commands.command(description="Create images from words")
@app_commands.describe(prompt="The prompt to imagine")
async def imagine(interaction: Interaction, prompt: str) -> None:
    """Create images from words."""
    async with answering(interaction, f"/imagine {prompt}"), interaction.client.turns:
        await imagine_text(interaction, prompt)


@app_commands.command(description="Four pictures of whatever the model likes, without a prompt")
async def surprise(interaction: Interaction) -> None:
    """Draw without words."""
    async with answering(interaction, "/surprise"), interaction.client.turns:
        await imagine_nothing(interaction)
