"""Uploads that become pictures, through every process, as a person sees it: /blend, /edit, links, maps."""

import io
import re
from typing import Any

import numpy as np
from PIL import Image

from contract.legend import LEGEND
from tests.e2e.test_road import PATIENCE_S, outcome, pixels, press, result_of
from tests.sandbox_user import SandboxUser, find_component

COLOURS = {entry.name: entry.colour for entry in LEGEND}


def png(*areas: tuple[tuple[int, int, int], float, float, float, float], side: int = 160) -> bytes:
    """A picture file: colours from left and top to right and bottom, on white."""
    picture = np.full((side, side, 3), 255, np.uint8)
    for colour, left, top, right, bottom in areas:
        picture[round(top * side) : round(bottom * side), round(left * side) : round(right * side)] = colour
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


BLUE = png(((20, 70, 230), 0.25, 0.2, 0.75, 0.8))
YELLOW = png(((250, 210, 20), 0.2, 0.3, 0.8, 0.7))


def bluer(picture: Any) -> float:
    """How much more blue than red there is, in levels."""
    return float((picture[..., 2] - picture[..., 0]).mean())


async def refused(user: SandboxUser, nonce: str) -> str:
    """The sentence of a red answer."""
    answer = await user.wait_answer(nonce)
    [embed] = answer["embeds"]
    assert embed["color"] == 0xFF0000
    return str(embed["description"])


async def failed(user: SandboxUser, nonce: str) -> str:
    """The sentence of a job that was accepted and could not be made."""
    waiting = await user.wait_answer(nonce)
    since = user.events.index(("MESSAGE_CREATE", waiting))
    message = await user.wait_message(lambda one: bool(one["embeds"]) and one["id"] != waiting["id"], PATIENCE_S, since)
    return str(message["embeds"][0]["description"])


async def test_a_blend_gives_a_grid_whose_buttons_work(ada: SandboxUser) -> None:
    """Uploads, no words; the echo is links and a shape, in no mode of Midjourney's clients misread; a re-roll needs no
    link that still works."""
    nonce = await ada.slash("blend", image1=BLUE, image2=YELLOW, dimensions="--ar 3:2")
    result = await outcome(ada, nonce, r"^\*\*<http\S+> <http\S+> --ar 3:2 --v 8\.2\*\* - <@\d+> \(fast\)$")
    first = await pixels(ada, result)
    assert first.shape[1] > first.shape[0]
    again = await press(ada, result, "🔄", r"--ar 3:2 --v 8\.2\*\* - <@\d+> \(fast\)$")
    assert np.abs(await pixels(ada, again) - first).mean() > 1


async def test_a_blend_asks_for_its_pictures_in_a_form(ada: SandboxUser) -> None:
    """Without options; the form holds the files and the shape."""
    modal = await ada.wait_modal(await ada.slash("blend"))
    files = [await ada.upload(file, f"{number}.png", str(number)) for number, file in enumerate((BLUE, YELLOW))]
    filled = [
        {"type": 18, "component": {"type": 19, "custom_id": "images", "values": [file["id"] for file in files]}},
        {"type": 18, "component": {"type": 3, "custom_id": "dimensions", "values": ["--ar 2:3"]}},
    ]
    nonce = await ada.send_modal(modal, filled, files)
    result = await outcome(ada, nonce, r"^\*\*<http\S+> <http\S+> --ar 2:3")
    picture = await pixels(ada, result)
    assert picture.shape[0] > picture.shape[1]
    assert find_component(result, "U1")


async def test_an_upload_counts_beside_the_words(ada: SandboxUser) -> None:
    """At the usual weight: the same words and seed are bluer with a blue picture."""
    plain = await outcome(ada, await ada.slash("imagine", prompt="a cat --seed 7"), r"a cat --seed 7")
    nonce = await ada.slash("imagine", prompt="a cat --seed 7", image=BLUE)
    blue = await outcome(ada, nonce, r"^\*\*<http\S+> a cat --seed 7")
    assert bluer(await pixels(ada, blue)) > bluer(await pixels(ada, plain)) + 5


async def test_a_map_says_what_lies_where(ada: SandboxUser) -> None:
    """Green where the tree is painted, nothing where the map is white."""
    tree = png((COLOURS["tree"], 0.55, 0.1, 0.95, 0.9))
    result = await outcome(ada, await ada.slash("imagine", prompt="a picture --seed 3", map=tree), r"--map <http")
    picture = await pixels(ada, result)
    side = picture.shape[0] // 2
    first = picture[:side, :side]
    darkness = 255 - first.mean(axis=2)
    assert darkness[:, side // 2 :].mean() > 3 * darkness[:, : side // 2].mean()


async def test_an_edit_says_how_it_is_done(ada: SandboxUser) -> None:
    """The model that ships reads no instructions: it draws over the picture, and the answer says so."""
    nonce = await ada.slash("edit", instruction="a green apple", image=png(((220, 20, 30), 0.2, 0.2, 0.8, 0.8)))
    waiting = await ada.wait_answer(nonce)
    assert re.search(r"\n-# Easel Small does not read instructions", waiting["content"])
    since = ada.events.index(("MESSAGE_CREATE", waiting))
    result = await ada.wait_message(
        lambda one: bool(one["attachments"]) and "--edit <http" in one["content"] and "(fast)" in one["content"],
        PATIENCE_S,
        since,
    )
    assert "--ar 1:1" in result["content"]


async def test_an_edit_of_a_link_keeps_its_shape(ada: SandboxUser) -> None:
    """Its size is known only when it has been fetched; the words stay as they were posted, and so do the shapes of what
    is made from the result."""
    house = await outcome(ada, await ada.slash("imagine", prompt="a house --ar 2:1 --draft"), r"a house --ar 2:1")
    link = house["attachments"][0]["url"]
    nonce = await ada.slash("imagine", prompt=f"a green house --edit {link} --draft")
    edited = await result_of(ada, nonce, r"^\*\*a green house --draft --v 8\.2 --edit <http\S+>\*\* - <@\d+> \(fast\)")
    height, width = (await pixels(ada, edited)).shape[:2]
    assert width == 2 * height
    varied = await press(ada, edited, "V1", r"^\*\*a green house --draft --v 8\.2 --edit <http\S+>\*\* - Variations")
    assert (await pixels(ada, varied)).shape[:2] == (height, width)


async def test_what_cannot_be_used_is_a_sentence(ada: SandboxUser) -> None:
    """Before anything is accepted where it can be known then, else as the end of the job: never a picture."""
    assert "takes 2 to 5 pictures" in await refused(ada, await ada.slash("blend", image1=BLUE))
    assert "no picture to change" in await refused(ada, await ada.slash("edit", instruction="make it red"))
    assert "Two of the pictures" in await failed(ada, await ada.slash("blend", image1=BLUE, image2=BLUE))
    wrong = png(((200, 30, 200), 0, 0, 1, 1))
    assert "not in the legend" in await failed(ada, await ada.slash("imagine", prompt="a fox", map=wrong))
    assert "no LoRA here" in await refused(ada, await ada.slash("imagine", prompt="a fox <lora:ink:0.8>"))
    dead = await ada.slash("edit", instruction="make it red", link="https://127.0.0.1/none.png")
    assert "could not be used" in await failed(ada, dead)
