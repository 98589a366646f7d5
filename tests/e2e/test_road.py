"""From /imagine to pictures with working buttons, through every process, as a person sees it."""

import asyncio
import io
import json
import os
import re
import shutil
import signal
import urllib.request
from typing import Any

import numpy as np
import redis
from numpy.typing import NDArray
from PIL import Image

from tests.e2e.demo import Demo, wait_until
from tests.sandbox_user import SandboxUser, components

JSON = dict[str, Any]
GRID_LABELS = ["U1", "U2", "U3", "U4", "🔄", "V1", "V2", "V3", "V4"]
MADE_LABELS = [*GRID_LABELS, "↩️"]
"""Of what was made from another result."""
PATIENCE_S = 60.0


def labels(message: JSON) -> list[str]:
    """What is written on the message's buttons."""
    buttons = [part for part in components(message["components"]) if part["type"] == 2]
    return [button.get("label") or button["emoji"]["name"] for button in buttons]


async def pixels(user: SandboxUser, message: JSON) -> NDArray[np.float64]:
    """The message's only picture, (H, W, 3), levels from 0 to 255."""
    (attachment,) = message["attachments"]
    image = Image.open(io.BytesIO(await user.fetch(attachment["url"])))
    assert (image.width, image.height) == (attachment["width"], attachment["height"])
    return np.asarray(image.convert("RGB"), dtype=np.float64)


async def outcome(user: SandboxUser, nonce: str, ending: str) -> JSON:
    """The result that replaces the answer to ``nonce``: a new message, after which the waiting one is gone."""
    waiting = await user.wait_answer(nonce)
    assert waiting["content"].endswith("(Waiting to start)")
    since = user.events.index(("MESSAGE_CREATE", waiting))
    pattern = re.compile(ending)
    result = await user.wait_message(
        lambda message: bool(message["attachments"]) and bool(pattern.search(message["content"])), PATIENCE_S, since
    )
    await user.wait_delete(waiting)
    return result


async def result_of(user: SandboxUser, nonce: str, ending: str) -> JSON:
    """The result that replaces an answer to ``nonce`` which says more than that it waits, or came late."""
    answer = await user.wait_answer(nonce)
    since, pattern = user.events.index(("MESSAGE_CREATE", answer)), re.compile(ending)
    return await user.wait_message(
        lambda message: bool(message["attachments"]) and bool(pattern.search(message["content"])), PATIENCE_S, since
    )


async def imagine(user: SandboxUser, prompt: str) -> JSON:
    """Type /imagine and wait for the grid."""
    nonce = await user.slash("imagine", prompt=prompt)
    return await outcome(user, nonce, rf"^\*\*{prompt}.*\*\* - <@{user.user['id']}> \(fast\)$")


async def press(user: SandboxUser, message: JSON, button: str, ending: str) -> JSON:
    """Press a button and wait for what it makes."""
    return await outcome(user, await user.press(message, button), ending)


def control(demo: Demo, name: str, **body: Any) -> Any:
    """The sandbox's own routes: GET without a body, POST with one."""
    request = urllib.request.Request(f"{demo.facts['base_url']}/_sandbox/{name}")
    if body:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


async def test_every_button_of_a_grid_and_of_its_results_works(ada: SandboxUser) -> None:
    """imagine → U3 → V2 → 🔄 → Vary (Strong): each posts the picture its words promise."""
    nonce = await ada.slash("imagine", prompt="a red apple")
    waiting = await ada.wait_answer(nonce)
    mention = f"<@{ada.user['id']}>"
    assert re.fullmatch(rf"\*\*a red apple.*\*\* - {mention} \(Waiting to start\)", waiting["content"])
    preview = await ada.wait_update(waiting, lambda message: bool(message["attachments"]), PATIENCE_S)
    assert re.search(r"\(\d{1,2}%\) \(fast\)$", preview["content"])
    grid = await outcome(ada, nonce, rf"^\*\*a red apple.*\*\* - {mention} \(fast\)$")
    assert labels(grid) == GRID_LABELS
    picture = await pixels(ada, grid)
    assert picture.std() > 10, "the grid shows something"

    upscale = await press(ada, grid, "U3", rf" - Image #3 {mention}$")
    assert {"Vary (Subtle)", "Vary (Strong)"} <= set(labels(upscale))
    assert upscale["message_reference"]["message_id"] == grid["id"]
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    third = Image.fromarray((await pixels(ada, upscale)).astype(np.uint8)).resize((width, height))
    distances = [
        np.abs(np.asarray(third, dtype=np.float64) - picture[top : top + height, left : left + width]).mean()
        for top in (0, height)
        for left in (0, width)
    ]
    assert int(np.argmin(distances)) == 2, f"U3 shows the grid's third picture: {distances}"

    variations = await press(ada, grid, "V2", rf" - Variations \(\w+\) by {mention} \(fast\)$")
    assert labels(variations) == MADE_LABELS
    reroll = await press(ada, variations, "🔄", rf"{mention} \(fast\)$")
    assert labels(reroll) == MADE_LABELS
    assert np.abs(await pixels(ada, reroll) - await pixels(ada, variations)).mean() > 1, "a re-roll is another picture"
    varied = await press(ada, upscale, "Vary (Strong)", rf" - Variations \(Strong\) by {mention} \(fast\)$")
    assert labels(varied) == MADE_LABELS


async def test_a_picture_that_a_prompt_links_to_is_drawn_with(demo: Demo, ada: SandboxUser) -> None:
    """A link to a posted picture goes through the intake; the result is near it, and its own re-roll needs no link."""
    source = await imagine(ada, "a red apple")
    url = source["attachments"][0]["url"]
    before = set((demo.data / "images").glob("*/*/input/*"))
    nonce = await ada.slash("imagine", prompt=f"{url} a red apple --iw 3")
    linked = await outcome(ada, nonce, rf"^\*\*<{re.escape(url)}> a red apple.*\*\* - .* \(fast\)")
    assert labels(linked) == GRID_LABELS
    [stored] = set((demo.data / "images").glob("*/*/input/*")) - before
    assert stored.name == "0.png"
    await press(ada, linked, "🔄", r"\(fast\)$")


async def test_two_people_at_once_each_get_their_own(ada: SandboxUser, ben: SandboxUser) -> None:
    """Neither waits for the other's answer, and each grid names whom it is for."""
    for_ada, for_ben = await asyncio.gather(imagine(ada, "a rocket"), imagine(ben, "a green tree"))
    assert f"<@{ada.user['id']}>" in for_ada["content"]
    assert f"<@{ben.user['id']}>" in for_ben["content"]
    # Ben may press what Ada made; the new pictures are his.
    his = await press(ben, for_ada, "U1", rf"Image #1 <@{ben.user['id']}>$")
    assert his["message_reference"]["message_id"] == for_ada["id"]


async def test_a_bad_prompt_is_refused_in_red_and_nothing_is_enqueued(demo: Demo, ada: SandboxUser) -> None:
    """The embed names the word that was wrong, in the interaction's own answer."""
    with redis.Redis.from_url(demo.facts["redis_url"]) as server:
        before = {*server.keys("rq:job:*"), *server.keys("easel:job:*")}
        answer = await ada.wait_answer(await ada.slash("imagine", prompt="a fox --abcde 7"))
        (embed,) = answer["embeds"]
        assert embed["color"] == 0xFF0000
        assert "abcde" in embed["description"]
        assert {*server.keys("rq:job:*"), *server.keys("easel:job:*")} <= before


async def test_where_the_bot_may_not_write_it_says_so(demo: Demo, ada: SandboxUser) -> None:
    """Without the permission to send messages the answer is a sentence that only the person sees, and no job."""
    await asyncio.to_thread(control, demo, "permissions", channel_id=ada.channel_id, deny=["send_messages"])
    try:
        answer = await ada.wait_answer(await ada.slash("imagine", prompt="a red apple"))
        assert answer["flags"] & 64, "only Ada sees it"
        assert "send messages" in json.dumps(answer).lower()
    finally:
        await asyncio.to_thread(control, demo, "permissions", channel_id=ada.channel_id, deny=[])


async def test_buttons_work_after_the_bot_was_killed(demo: Demo, ada: SandboxUser) -> None:
    """kill -9 between the picture and the press: the launcher starts the bot again, and the old button works. It starts
    with another revision of the model than the last one saw, and tells the channel so, once."""
    grid = await imagine(ada, "a yellow star")
    with redis.Redis.from_url(demo.facts["redis_url"]) as server:
        server.hset("easel:meanings", "8.2", "easel-small@earlier")
    ready_before = demo.times_ready("bot")
    os.kill(demo.pids["bot"], signal.SIGKILL)
    await asyncio.to_thread(wait_until, lambda: demo.times_ready("bot") > ready_before, "the bot is back")
    await press(ada, grid, "U2", r" - Image #2 <@\d+>$")
    told = await ada.wait_message(lambda message: "earlier" in message["content"], PATIENCE_S)
    assert told["content"].startswith("Version 8.2 is drawn by **Easel Small** (revision ")
    with redis.Redis.from_url(demo.facts["redis_url"]) as server:
        await asyncio.to_thread(wait_until, lambda: not server.exists("easel:notices"), "it is noted as told")
    assert sum(name == "MESSAGE_CREATE" and "earlier" in event["content"] for name, event in ada.events) == 1


async def test_buttons_work_after_redis_and_the_pictures_are_gone(demo: Demo, ada: SandboxUser) -> None:
    """The posted message is the record of last resort: picture and variations are made again from it alone."""
    grid = await imagine(ada, "a red apple")
    before = await pixels(ada, grid)
    with redis.Redis.from_url(demo.facts["redis_url"]) as server:
        server.flushall()
    shutil.rmtree(demo.data / "images")
    upscale = await press(ada, grid, "U4", r" - Image #4 <@\d+>$")
    height, width = before.shape[0] // 2, before.shape[1] // 2
    again = Image.fromarray((await pixels(ada, upscale)).astype(np.uint8)).resize((width, height))
    assert np.abs(np.asarray(again, dtype=np.float64) - before[height:, width:]).mean() < 12, "the same picture again"
    variations = await press(ada, grid, "V1", r" - Variations \(\w+\) by <@\d+> \(fast\)$")
    assert labels(variations) == MADE_LABELS


async def test_nothing_asked_of_discord_was_unknown_to_it(demo: Demo, ada: SandboxUser) -> None:
    """Bot and worker used no route the sandbox lacks, said who they are, and broke none of its rules on the way."""
    await imagine(ada, "a rocket")
    assert await asyncio.to_thread(control, demo, "violations") == []


async def test_a_person_is_answered_in_the_language_of_their_discord(demo: Demo, ben: SandboxUser) -> None:
    """Commands, answers and refusals are Chinese; what client libraries read of a job stays as it is."""
    await ben.request("PATCH", "/users/@me/settings", {"locale": "zh-CN"})
    try:
        shown = {one["name"]: one for one in await ben.commands()}
        assert shown["queue"]["name_localized"] == "队列"
        empty = await ben.wait_answer(await ben.slash("queue"))
        assert re.search("[一-鿿]", empty["content"]), "whatever is still in the queue"
        refused = await ben.wait_answer(await ben.slash("imagine", prompt="a fox --foo"))
        [embed] = refused["embeds"]
        assert (embed["title"], embed["description"]) == ("Invalid parameter", "无法识别的参数：foo")
        await imagine(ben, "a yellow star")
    finally:
        await ben.request("PATCH", "/users/@me/settings", {"locale": "en-US"})


async def test_pictures_grow_on_all_sides(demo: Demo, ada: SandboxUser) -> None:
    """imagine → U1 → pan, Make Square of that, Custom Zoom by a form: each keeps the picture it started from."""
    grid = await imagine(ada, "a green tree")
    mention = f"<@{ada.user['id']}>"
    single = await press(ada, grid, "U1", rf" - Image #1 {mention}$")
    assert {"⬅️", "➡️", "⬆️", "⬇️"} <= set(labels(single))
    assert "Make Square" not in labels(single), "it is square"
    source = await pixels(ada, single)
    height, width = source.shape[:2]

    panned = await press(ada, single, "➡️", rf" - Pan Right by {mention} \(fast\)$")
    assert labels(panned) == MADE_LABELS
    wide = await press(ada, panned, "U1", rf" - Image #1 {mention}$")
    assert {"⬅️", "➡️", "Make Square"} <= set(labels(wide))
    assert not {"⬆️", "⬇️"} & set(labels(wide)), "a pan keeps its axis"
    picture = await pixels(ada, wide)
    assert picture.shape == (height, width * 3 // 2, 3)
    assert np.array_equal(picture[:, :width], source), "small pictures are posted without loss"
    await press(ada, wide, "Make Square", rf" - Zoom Out by {mention} \(fast\)$")

    form = await ada.wait_modal(await ada.press(single, "Custom Zoom"))
    assert form["custom_id"].startswith("MJ::OutpaintCustomZoomModal::")
    words = "a green tree in the snow --zoom 1.25 --ar 2:1"
    sent = await ada.submit_modal(form, **{"MJ::OutpaintCustomZoomModal::prompt": words})
    zoomed = await outcome(
        ada, sent, rf"^\*\*a green tree in the snow --ar 2:1.*\*\* - Zoom Out by {mention} \(fast\)$"
    )
    shape = (await pixels(ada, zoomed)).shape
    assert abs(shape[1] / shape[0] - 2) < 0.06

    large = await press(ada, single, "Upscale (Subtle)", rf" - Upscaled \(Subtle\) by {mention} \(fast\)$")
    assert (await pixels(ada, large)).shape == (2 * height, 2 * width, 3)
    assert {"Upscale (Creative)", "Vary (Strong)", "Zoom Out 2x"} <= set(labels(large))


async def test_a_part_of_a_picture_is_painted_again(ada: SandboxUser) -> None:
    """imagine → U1 → Vary (Region) by a form, once with cells and once with a copy that was painted over: the rest of
    the picture stays to the byte, and U goes on from it."""
    grid = await imagine(ada, "a red apple")
    mention = f"<@{ada.user['id']}>"
    single = await press(ada, grid, "U1", rf" - Image #1 {mention}$")
    source = await pixels(ada, single)
    height, width = source.shape[:2]
    form = await ada.wait_modal(await ada.press(single, "Vary (Region)"))
    prompt = "MJ::InpaintModal::prompt"
    nonce = await ada.submit_modal(form, cells=["0", "1", "5", "6"], mask=[], how="strong", **{prompt: "a yellow star"})
    varied = await outcome(ada, nonce, rf"^\*\*a yellow star.*\*\* - Variations \(Region\) by {mention} \(fast\)$")
    again = await pixels(ada, await press(ada, varied, "U3", rf" - Image #3 {mention}$"))
    kept = np.ones((height, width), bool)
    kept[: -(-2 * height // 5), : -(-2 * width // 5)] = False
    assert np.array_equal(again[kept], source[kept])
    assert np.abs(again - source)[~kept].mean() > 1

    copy = source.astype(np.uint8)
    copy[height // 2 :, : width // 4] = (0, 255, 0)
    buffer = io.BytesIO()
    Image.fromarray(copy).save(buffer, "PNG")
    file = await ada.upload(buffer.getvalue(), "painted.png")
    form = await ada.wait_modal(await ada.press(single, "Vary (Region)"))
    values = {"cells": [], "mask": ["0"], "how": "strong", prompt: "a green tree"}
    filled = [
        {"type": 18, "component": {"type": part["type"], "custom_id": part["custom_id"], key_of(values, part): value}}
        for part in components(form["components"])
        if "custom_id" in part and (value := values[part["custom_id"]]) is not None
    ]
    painted = await outcome(
        ada, await ada.send_modal(form, filled, [file]), rf"^\*\*a green tree.* - Variations \(Region\) by {mention}"
    )
    after = await pixels(ada, await press(ada, painted, "U2", rf" - Image #2 {mention}$"))
    assert np.array_equal(after[: height // 2 - 8], source[: height // 2 - 8])
    assert np.abs(after - source)[height // 2 :, : width // 4].mean() > 1


async def test_a_picture_is_set_in_motion(ada: SandboxUser) -> None:
    """imagine → U2 → Animate (Low motion): a loop in the shape of the picture; 🔄 walks elsewhere."""
    grid = await imagine(ada, "a red apple")
    mention = f"<@{ada.user['id']}>"
    single = await press(ada, grid, "U2", rf" - Image #2 {mention}$")
    files = []
    ending = rf" - Animate \(Low motion\) by {mention} \(fast\)$"
    moving = single
    for button in ("Animate (Low motion)", "🔄"):
        moving = await press(ada, moving, button, ending)
        [attachment] = moving["attachments"]
        assert attachment["content_type"] == "image/webp"
        files.append(await ada.fetch(attachment["url"]))
        with Image.open(io.BytesIO(files[-1])) as image:
            assert getattr(image, "n_frames", 1) > 12
            assert (image.height, image.width) == (await pixels(ada, single)).shape[:2]
        assert labels(moving)[0] == "🔄"
    assert files[0] != files[1]


async def test_a_family_is_found_marked_and_drawn(ada: SandboxUser) -> None:
    """imagine → U1 → pan: ❤️ is listed, 🌳 names the ancestors with links, and the tree is a picture."""
    grid = await imagine(ada, "a yellow star")
    mention = f"<@{ada.user['id']}>"
    single = await press(ada, grid, "U1", rf" - Image #1 {mention}$")
    panned = await press(ada, single, "➡️", rf" - Pan Right by {mention} \(fast\)$")
    chosen = await press(ada, panned, "U2", rf" - Image #2 {mention}$")
    marked = await ada.wait_answer(await ada.press(chosen, "❤️"))
    assert marked["flags"] & 64
    listed = await ada.wait_answer(await ada.slash("history", favourites=True))
    assert chosen["id"] in listed["content"]

    answer = await ada.wait_answer(await ada.press(chosen, "🌳"))
    family = await ada.wait_update(answer, lambda message: bool(message["components"]), PATIENCE_S)
    lines = [line for line in family["content"].split("\n") if line[:1].isdigit()]
    assert len(lines) == 4
    for line, message in zip(lines, (grid, single, panned, chosen), strict=True):
        assert f"/{message['id']})" in line
    tree = await result_of(ada, await ada.press(family, "Draw the family tree"), rf" - Family Tree by {mention}")
    picture = await pixels(ada, tree)
    assert picture.shape[1] > 3 * picture.shape[0], "four generations stand side by side"
    assert labels(tree) == ["🌳"]


async def test_a_painted_region_outlives_redis_and_the_store(demo: Demo, ada: SandboxUser) -> None:
    """The painted copy is gone with them: U and what grows from it go on from the picture in the message."""
    grid = await imagine(ada, "a red apple")
    mention = f"<@{ada.user['id']}>"
    single = await press(ada, grid, "U1", rf" - Image #1 {mention}$")
    copy = (await pixels(ada, single)).astype(np.uint8)
    copy[: copy.shape[0] // 3] = (0, 255, 0)
    buffer = io.BytesIO()
    Image.fromarray(copy).save(buffer, "PNG")
    file = await ada.upload(buffer.getvalue(), "painted.png")
    form = await ada.wait_modal(await ada.press(single, "Vary (Region)"))
    values = {"cells": [], "mask": ["0"], "how": "strong", "MJ::InpaintModal::prompt": "a green tree"}
    filled = [
        {"type": 18, "component": {"type": part["type"], "custom_id": part["custom_id"], key_of(values, part): value}}
        for part in components(form["components"])
        if "custom_id" in part and (value := values[part["custom_id"]]) is not None
    ]
    nonce = await ada.send_modal(form, filled, [file])
    painted = await outcome(ada, nonce, rf"^\*\*a green tree.* - Variations \(Region\) by {mention}")
    shown = await pixels(ada, painted)
    with redis.Redis.from_url(demo.facts["redis_url"]) as server:
        server.flushall()
    shutil.rmtree(demo.data / "images")
    nonce = await ada.press(painted, "U2")
    assert "as the message shows it" in (await ada.wait_answer(nonce))["content"]
    second = await result_of(ada, nonce, rf" - Image #2 {mention}$")
    height, width = shown.shape[0] // 2, shown.shape[1] // 2
    assert np.abs(await pixels(ada, second) - shown[:height, width:]).mean() < 1
    zoomed = await press(ada, second, "Zoom Out 1.5x", rf" - Zoom Out by {mention} \(fast\)$")
    assert labels(zoomed) == MADE_LABELS
    refused = await ada.wait_answer(await ada.press(painted, "V1"))
    assert refused["embeds"][0]["color"] == 0xFF0000


def key_of(values: JSON, part: JSON) -> str:
    """Under which name a field of a form is filled in."""
    return "values" if isinstance(values[part["custom_id"]], list) else "value"
