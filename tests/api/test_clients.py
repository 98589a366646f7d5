"""OpenAI's own clients, unchanged: twenty calls of each. What they expect of the API is what they were written for."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
from collections.abc import AsyncIterable, Awaitable, Callable
from pathlib import Path

import openai
import pytest
from openai import AsyncOpenAI
from openai.types import ImagesResponse

from exchange.queue import Limits
from tests.api.conftest import House
from tests.api.test_app import png

SCRIPT = Path(__file__).parent / "openai_calls.mjs"
VERSION = "7.57.0"
"""Of the client for JavaScript."""

CAME: dict[str, object] = {
    "models": 1,
    "model": "easel-small",
    "one": 1,
    "named": 1,
    "two": 2,
    "six": 6,
    "link": True,
    "wide": True,
    "quality": 1,
    "user": 1,
    "lenient": 1,
    "stream": "image_generation.completed",
    "partial": "image_generation.completed",
    "edit": 1,
    "several": 1,
    "masked": 1,
    "edited_stream": "image_edit.completed",
    "variation": 2,
    "refused": "400 blocked_word",
    "unknown_model": "404 model_not_found",
}
"""What has to come of each call."""


def count(answer: ImagesResponse) -> int:
    """Pictures in an answer."""
    return len([image for image in answer.data or [] if image.b64_json or image.url])


async def last_event(stream: AsyncIterable[object]) -> object:
    """What a stream ends with."""
    types = [getattr(event, "type", None) async for event in stream]
    return types[-1]


async def failure(call: Awaitable[object]) -> str:
    """How a call is refused."""
    try:
        await call
    except openai.APIStatusError as error:
        return f"{error.status_code} {error.code}"
    return "no error"


def is_wide(answer: ImagesResponse) -> bool:
    """Whether the pictures are wider than high."""
    width, height = map(int, str(answer.size).split("x"))
    return width > height


CALLS: dict[str, Callable[[AsyncOpenAI], Awaitable[object]]] = {}


def call(function: Callable[[AsyncOpenAI], Awaitable[object]]) -> Callable[[AsyncOpenAI], Awaitable[object]]:
    """One of the calls, by the name of its function."""
    CALLS[function.__name__.strip("_")] = function
    return function


@call
async def models(ai: AsyncOpenAI) -> object:
    return len([model async for model in ai.models.list()])


@call
async def model(ai: AsyncOpenAI) -> object:
    return (await ai.models.retrieve("easel-small")).id


@call
async def one(ai: AsyncOpenAI) -> object:
    return count(await ai.images.generate(prompt="a fox"))


@call
async def named(ai: AsyncOpenAI) -> object:
    return count(await ai.images.generate(prompt="a fox", model="easel-small"))


@call
async def two(ai: AsyncOpenAI) -> object:
    return count(await ai.images.generate(prompt="a fox", n=2))


@call
async def six(ai: AsyncOpenAI) -> object:
    return count(await ai.images.generate(prompt="a fox", n=6))


@call
async def link(ai: AsyncOpenAI) -> object:
    answer = await ai.images.generate(prompt="a fox", response_format="url")
    return str((answer.data or [])[0].url).startswith("http")


@call
async def wide(ai: AsyncOpenAI) -> object:
    return is_wide(await ai.images.generate(prompt="a fox", size="1536x1024"))


@call
async def quality(ai: AsyncOpenAI) -> object:
    return count(await ai.images.generate(prompt="a fox", quality="hd"))


@call
async def user(ai: AsyncOpenAI) -> object:
    return count(await ai.images.generate(prompt="a fox", user="somebody"))


@call
async def lenient(ai: AsyncOpenAI) -> object:
    return count(await ai.images.generate(prompt="a fox", moderation="low"))


@call
async def stream(ai: AsyncOpenAI) -> object:
    return await last_event(await ai.images.generate(prompt="a fox", stream=True))


@call
async def partial(ai: AsyncOpenAI) -> object:
    return await last_event(await ai.images.generate(prompt="a fox", stream=True, partial_images=2))


@call
async def edit(ai: AsyncOpenAI) -> object:
    return count(await ai.images.edit(image=png(), prompt="a fox"))


@call
async def several(ai: AsyncOpenAI) -> object:
    return count(await ai.images.edit(image=[png(), png(10)], prompt="a fox"))


@call
async def masked(ai: AsyncOpenAI) -> object:
    return count(await ai.images.edit(image=png(), mask=png(hole=(0, 0, 9, 9)), prompt="a fox"))


@call
async def edited_stream(ai: AsyncOpenAI) -> object:
    return await last_event(await ai.images.edit(image=png(), prompt="a fox", stream=True))


@call
async def variation(ai: AsyncOpenAI) -> object:
    with pytest.warns(DeprecationWarning, match="deprecated"):
        return count(await ai.images.create_variation(image=png(), n=2))


@call
async def refused(ai: AsyncOpenAI) -> object:
    return await failure(ai.images.generate(prompt="a nude fox"))


@call
async def unknown_model(ai: AsyncOpenAI) -> object:
    return await failure(ai.images.generate(prompt="a fox", model="dall-e-2"))


async def test_twenty_calls_in_python(house: House) -> None:
    """One after the other, as they stand in the table."""
    assert {name: await asked(house.openai) for name, asked in CALLS.items()} == CAME
    assert len(CAME) == 20


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where their client for JavaScript is installed."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("npm")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), f"openai@{VERSION}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        pytest.skip(f"the registry of npm cannot be reached: {done.stderr[-200:]}")
    return folder / "node_modules"


async def test_twenty_calls_in_javascript(house: House, node_modules: Path) -> None:
    """The same ones."""
    house.services.queue.limits = Limits()
    files = [base64.b64encode(file).decode() for file in (png(), png(10, hole=(0, 0, 9, 9)))]
    command = ["node", str(SCRIPT), str(node_modules), f"{house.url}/v1", house.secret, *files]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert dict(json.loads(line) for line in output.splitlines()) == CAME
