"""Words for pictures, words for words, many small pictures: with the bot, the worker and the model that ships."""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any

import numpy as np
from PIL import Image

from tests.e2e.test_road import PATIENCE_S, imagine, labels, outcome, pixels
from tests.sandbox_user import SandboxUser, components, find_component

JSON = dict[str, Any]
KEYCAPS = [f"{number}\ufe0f\u20e3" for number in range(1, 6)]


async def told(user: SandboxUser, nonce: str) -> JSON:
    """The texts that the answer to ``nonce`` becomes: the first change of that very message, and no message more."""
    waiting = await user.wait_answer(nonce)
    assert waiting["content"].endswith("(Waiting to start)")
    assert not waiting["embeds"]
    return await user.wait_update(waiting, timeout_s=PATIENCE_S)


async def settled(user: SandboxUser, nonce: str) -> None:
    """Some of the person's jobs run: an answer came."""
    await user.wait_answer(nonce)


def texts_for_npm(message: JSON) -> list[str]:
    """What the npm client's Describe takes out of the change: it has no nonce, and says which command it answers."""
    assert "nonce" not in message
    assert message["interaction"]["name"] == "describe"
    assert isinstance(message["components"], list)
    return str(message["embeds"][0]["description"]).split("\n\n")


async def test_a_picture_is_described_and_its_description_drawn(ada: SandboxUser) -> None:
    """An upload → four prompts and its own picture; 1️⃣ opens a form whose words become a grid; 🔄 says it otherwise."""
    grid = await imagine(ada, "a red apple")
    file = await ada.fetch(grid["attachments"][0]["url"])
    answer = await told(ada, await ada.slash("describe", image=file))
    texts = texts_for_npm(answer)
    assert [text[:3] for text in texts] == KEYCAPS[:4]
    assert all(text.endswith(" --ar 1:1") for text in texts)
    embed = answer["embeds"][0]
    name = embed["image"]["url"].partition("?")[0].rpartition("/")[2]
    assert name.partition(".")[0] == "image"  # the upload's own, by which some clients find their task
    assert np.asarray(Image.open(io.BytesIO(await ada.fetch(embed["image"]["url"])))).std() > 10
    assert labels(answer) == [*KEYCAPS[:4], "🔄", "Imagine all"]
    ids = [part["custom_id"] for part in components(answer["components"]) if "custom_id" in part]
    assert ids == [*(f"MJ::Job::PicReader::{n}" for n in range(1, 5)), "MJ::Picread::Retry", "MJ::Job::PicReader::all"]

    modal = await ada.wait_modal(await ada.press(answer, "MJ::Job::PicReader::2"))
    assert modal["custom_id"] == "MJ::Picreader::Modal::2"
    [field] = [part for part in components(modal["components"]) if part.get("custom_id")]
    assert field["custom_id"] == "MJ::Picreader::Modal::PromptField"
    assert f"{KEYCAPS[1]} {field['value']}" == texts[1]
    nonce = await ada.submit_modal(modal, **{field["custom_id"]: "a blue butterfly --seed 3"})
    drawn = await outcome(ada, nonce, r"^\*\*a blue butterfly --seed 3.*\*\* - .* \(fast\)$")
    assert "U1" in labels(drawn)

    again = await ada.press(answer, "MJ::Picread::Retry")
    waiting = await ada.wait_answer(again)
    otherwise = await ada.wait_update(waiting, lambda message: bool(message["embeds"]), PATIENCE_S)
    assert otherwise["embeds"][0]["description"] != embed["description"]
    assert waiting["message_reference"]["message_id"] == answer["id"] if "message_reference" in waiting else True


async def test_all_four_descriptions_are_drawn(ada: SandboxUser) -> None:
    """🎉 asks once, then makes a job of each text."""
    grid = await imagine(ada, "a yellow star")
    url = grid["attachments"][0]["url"]
    answer = await told(ada, await ada.slash("describe", link=url))
    since = len(ada.events)
    question = await ada.wait_answer(await ada.press(answer, "Imagine all"))
    await ada.press(question, next(label for label in labels(question) if "4" in label))
    seen: set[str] = set()
    for _ in range(4):
        found = await ada.wait_message(
            lambda message: bool(message["attachments"]) and message["id"] not in seen, PATIENCE_S, since
        )
        seen.add(found["id"])
    assert len(seen) == 4


async def test_a_prompt_is_shortened_and_its_words_weighed(ada: SandboxUser) -> None:
    """Bold and struck words, five shorter prompts, Show Details with bars; 5️⃣ opens a form of re-roll's kind."""
    prompt = "a majestic red fox sitting in the snow, highly detailed, digital art, 4k --ar 3:2"
    answer = await told(ada, await ada.slash("shorten", prompt=prompt))
    assert answer["interaction"]["name"] == "shorten"
    embed = answer["embeds"][0]
    description = embed["description"]
    assert re.search(r"^## Important tokens\n.*\*\*.*\n## Shortened prompts\n", description)
    assert len(re.findall(r"(\d️⃣ .+)", description)) == 5
    assert "Click on a button to imagine one of the shortened prompts" in embed["footer"]["text"]
    assert labels(answer) == [*KEYCAPS, "Show Details"]

    nonce = await ada.press(answer, "MJ::Job::PromptAnalyzerExtended")
    waiting = await ada.wait_answer(nonce)
    details = await ada.wait_update(waiting, lambda message: bool(message["embeds"]), PATIENCE_S)
    bars = [line for line in details["embeds"][0]["description"].splitlines() if line.startswith("`")]
    assert len(bars) == len(prompt.partition(" --")[0].split())
    assert bars[0].endswith("(1.00)")
    assert labels(details) == KEYCAPS

    modal = await ada.wait_modal(await ada.press(details, KEYCAPS[4]))
    assert modal["custom_id"] == f"MJ::ImagineModal::{details['id']}"
    field = find_component(modal, "MJ::ImagineModal::new_prompt")
    assert field["value"].endswith("--ar 3:2")
    nonce = await ada.submit_modal(modal)
    words = re.escape(field["value"].partition(" --")[0])
    await outcome(ada, nonce, rf"^\*\*{words} --ar 3:2.*\*\* - .* \(fast\)$")


async def test_one_of_a_sheet_is_drawn_large(ada: SandboxUser) -> None:
    """24 numbers in a menu; what is chosen has the composition that it had, and the buttons of a single picture."""
    nonce = await ada.slash("sheet", prompt="a red fox --seed 5")
    sheet = await outcome(ada, nonce, r"^\*\*a red fox --seed 5.*\*\* - .* \(fast\)$")
    [menu] = [part for part in components(sheet["components"]) if part["type"] == 3]
    assert [option["value"] for option in menu["options"]] == [str(number) for number in range(1, 25)]
    cells = await pixels(ada, sheet)
    chosen = await ada.press(sheet, menu["custom_id"], values=["10"])
    single = await outcome(ada, chosen, r"^\*\*a red fox --seed 5.*\*\* - Image #10 <@\d+>(\n|$)")
    assert {"Vary (Subtle)", "Zoom Out 2x"} <= set(labels(single))
    large = Image.fromarray((await pixels(ada, single)).astype(np.uint8)).resize((192, 192))
    small = np.asarray(large, dtype=np.float64)
    distances = []
    for place in range(24):
        top, left = 4 + place // 6 * 196, 4 + place % 6 * 196
        away = np.abs(cells[top : top + 192, left : left + 192] - small)
        distances.append(away[60:, 60:].mean())  # the number is in the other corner
    assert int(np.argmin(distances)) == 9


async def test_a_style_is_picked_from_nine(ada: SandboxUser) -> None:
    """Its words stand in the prompt of what is drawn."""
    nonce = await ada.slash("styles", prompt="a red fox --seed 5")
    sheet = await outcome(ada, nonce, r"^\*\*a red fox --seed 5.*\*\* - .* \(fast\)$")
    [menu] = [part for part in components(sheet["components"]) if part["type"] == 3]
    assert len(menu["options"]) == 9
    chosen = await ada.press(sheet, menu["custom_id"], values=["5"])
    await outcome(ada, chosen, r"^\*\*a red fox, pixel art --seed 5.*\*\* - Image #5 <@\d+>(\n|$)")


async def test_what_cannot_be_described_is_refused_with_a_sentence(ada: SandboxUser) -> None:
    """At once where it can be known: no picture, a file of another kind, words in place of a link, a `::`."""
    cases = [
        ("describe", {}, "no picture to describe"),
        ("describe", {"link": "a red fox"}, "not a link"),
        ("describe", {"link": "https://example.org/page.html"}, "https://example.org/page.html"),
        ("shorten", {"prompt": "fox"}, "at least two words"),
        ("shorten", {"prompt": "a red:: fox"}, "::"),
        ("shorten", {"prompt": "a red fox --no trees"}, "--no"),
    ]
    for command, options, said in cases:
        answer = await ada.wait_answer(await ada.slash(command, **options))
        [embed] = answer["embeds"]
        assert embed["color"] == 0xFF0000
        assert said in embed["description"]


async def test_a_link_that_leads_nowhere_is_told_and_costs_nothing(ada: SandboxUser) -> None:
    """The waiting message says that it stopped; a red reply says why."""
    nonce = await ada.slash("describe", link=f"{ada.base_url}/attachments/1/2/nothing.png")
    waiting = await ada.wait_answer(nonce)
    failure = await ada.wait_message(
        lambda message: (
            bool(message["embeds"]) and message.get("message_reference", {}).get("message_id") == waiting["id"]
        ),
        PATIENCE_S,
    )
    assert "404" in failure["embeds"][0]["description"]
    await ada.wait_update(waiting, lambda message: message["content"].endswith("(Stopped)"), PATIENCE_S)


async def test_waiting_texts_can_be_cancelled(ada: SandboxUser) -> None:
    """As pictures can: the button under the waiting message."""
    nonce = await ada.slash("shorten", prompt="a majestic red fox, " + "highly detailed, " * 30)
    waiting = await ada.wait_answer(nonce)
    await asyncio.sleep(0)
    await ada.press(waiting, "Cancel Job")
    ended = await ada.wait_update(waiting, timeout_s=PATIENCE_S)
    assert ended["content"].endswith("(Stopped)") or not ended["components"] or ended["embeds"]
