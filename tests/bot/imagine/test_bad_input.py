"""Bad input for every command that takes pictures or words about them: a sentence that says what to do, and nothing is
accepted or charged."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle

from service.services import Services
from tests.bot.imagine.test_commands import refusal_of
from tests.bot.imagine.test_pictures import picture

A, B = "https://example.org/a.png", "https://example.org/b.png"
PAGE = "https://example.org/page"
MANY = [f"https://example.org/{number}.png" for number in range(9)]

REFUSED: Mapping[tuple[str, str], tuple[dict[str, object], str]] = {
    ("describe", "nothing"): ({}, "Upload one in the option `image`"),
    ("describe", "text"): ({"image": picture("notes.txt")}, "`notes.txt` is not a picture"),
    ("describe", "video"): ({"image": picture("a.mp4")}, "PNG, JPEG, WebP or GIF"),
    ("describe", "words"): ({"link": "a red fox"}, "`a red fox` is not a link to one picture"),
    ("describe", "page"): ({"link": PAGE}, "ends in .png"),
    ("describe", "http"): ({"link": "http://example.org/a.png"}, "not an https link"),
    ("describe", "two links"): ({"link": f"{A} {B}"}, "not a link to one picture"),
    ("describe", "flags"): ({"link": f"{A} --ar 3:2"}, "not a link to one picture"),
    ("describe", "blob"): ({"link": "blob:https://discord.com/1"}, "was not sent yet"),
    ("shorten", "weights"): ({"prompt": "a red fox::2 snow"}, "remove the weights"),
    ("shorten", "no"): ({"prompt": "a red fox --no snow"}, "does not take --no"),
    ("shorten", "a word"): ({"prompt": "fox"}, "at least two words"),
    ("shorten", "blanks"): ({"prompt": "   "}, "say in a few words"),
    ("shorten", "flags"): ({"prompt": "--ar 3:2"}, "say in a few words"),
    ("shorten", "links"): ({"prompt": f"{A} {B}"}, "at least two words"),
    ("shorten", "permutations"): ({"prompt": "a {red, blue} fox"}, "without the brackets"),
    ("blend", "one"): ({"image1": picture("a.png")}, "takes 2 to 5 pictures"),
    ("blend", "text"): ({"image1": picture("a.png"), "image2": picture("b.txt")}, "`b.txt` is not a picture"),
    ("blend", "drawing"): ({"image1": picture("a.png"), "image2": picture("b.svg")}, "`b.svg` is not a picture"),
    ("edit", "nothing"): ({"instruction": "make it red"}, "There is no picture to change"),
    ("edit", "no words"): ({"instruction": "  ", "image": picture("a.png")}, "Say in words what is to be changed"),
    ("edit", "only flags"): ({"instruction": "--raw", "image": picture("a.png")}, "Say in words what is to be changed"),
    ("edit", "words for a link"): ({"instruction": "make it red", "link": "my cat"}, "`my cat` is not a link"),
    ("edit", "page"): (
        {"instruction": "make it red", "link": PAGE},
        "does not lead to a picture",
    ),
    ("edit", "text"): ({"instruction": "make it red", "image": picture("notes.txt")}, "`notes.txt` is not a picture"),
    ("edit", "five"): ({"instruction": "make it red", "link": " ".join(MANY[:5])}, "--edit takes 1 to 4 pictures"),
    ("edit", "weight"): ({"instruction": "make it red", "link": f"{A}::2"}, "--edit takes pictures without a weight"),
    ("edit", "tile"): (
        {"instruction": "make it red --tile", "image": picture("a.png")},
        "do not go together",
    ),
    ("edit", "alike"): ({"instruction": "make it red", "link": f"{A} {A}"}, "leave one of them out"),
    ("sheet", "blanks"): ({"prompt": " "}, "say in a few words"),
    ("sheet", "flags"): ({"prompt": "--ar 3:2"}, "say in a few words"),
    ("sheet", "a picture alone"): ({"prompt": A}, "add another image prompt, or a text prompt"),
    ("sheet", "map"): ({"prompt": f"a house --map {A}"}, "Give the map to /imagine"),
    ("styles", "flags"): ({"prompt": "--chaos 5"}, "say in a few words"),
    ("styles", "unknown style"): ({"prompt": "a fox --style cute"}, "--style takes only `raw`"),
    ("styles", "unknown sref"): ({"prompt": "a fox --sref watercolor"}, "--sref takes links, numbers or `random`"),
    ("imagine", "text"): ({"prompt": "a fox", "image": picture("notes.txt")}, "`notes.txt` is not a picture"),
    ("imagine", "map of text"): ({"prompt": "a fox", "map": picture("notes.txt")}, "`notes.txt` is not a picture"),
    ("imagine", "map of depth"): (
        {"prompt": "a fox", "map": picture("a.png"), "map_shows": "depth"},
        "a map of depth",
    ),
    ("imagine", "map of edges"): (
        {"prompt": "a fox", "map": picture("a.png"), "map_shows": "edges"},
        "a map of edges",
    ),
    ("imagine", "map alone"): ({"prompt": "", "map": picture("a.png")}, "say in a few words"),
    ("imagine", "two alike"): ({"prompt": f"{A} {A}"}, "Two of the pictures are the same"),
    ("imagine", "many"): (
        {"prompt": " ".join(MANY)},
        "at most 8 pictures",
    ),
    ("imagine", "page"): ({"prompt": f"{PAGE} a fox"}, "does not lead to a picture"),
    ("imagine", "edit alone"): ({"prompt": f"--edit {A}"}, "Say in words what is to be changed"),
    ("imagine", "no lora"): ({"prompt": "a fox", "lora": "ink"}, "ask the operator to add it"),
}


@pytest.mark.parametrize(("command", "case"), REFUSED)
async def test_bad_input_is_a_sentence(
    services: Services, channel: ChannelHandle, alice: MemberActor, command: str, case: str
) -> None:
    """At once and in red; the queue stays empty."""
    options, words = REFUSED[command, case]
    result = await alice.slash(channel, command, **options)
    assert words in str(refusal_of(result).description)
    assert await services.queue.of_user(alice.id) == []
