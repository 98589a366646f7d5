"""Pictures of one model set in motion by another, through every process."""

from pathlib import Path

import pytest

from benchmarks.chaos.tiny_model import write_tiny_model
from benchmarks.stock import save
from model import tiny
from tests.e2e.demo import Demo
from tests.e2e.test_road import imagine, labels, outcome, press
from tests.sandbox_user import SandboxUser
from worker import mp4

FRAMES = 17
FILM = """
[[models]]
name = "film"
title = "Film"
family = "ltx-video"
licence = "none needed: random numbers"
source = "{folder}"
versions = []
aliases = {{ film = "7" }}
pixels = 4096
size_multiple = 8
num_inference_steps = 4
guidance_scale = 3.0
sampler = "flow_euler"
frames = {frames}
honours = ["aspect", "moving"]
"""


async def test_animate_is_a_video_where_a_model_draws_them(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """imagine → U2 → Animate (High motion): an MP4 of frames of another model that go on from the picture; 🔄 draws
    others, and Remix asks for other words first."""
    write_tiny_model(data / "tiny")
    save(tiny.bundle("ltx-video"), data / "film")
    offer = (data / "tiny.toml").read_text() + FILM.format(folder=data / "film", frames=FRAMES)
    (data / "offer.toml").write_text(offer)
    monkeypatch.setenv("CATALOGUE", str(data / "offer.toml"))
    monkeypatch.setenv("MODEL", "tiny,film")
    monkeypatch.setenv("RESIDENT", "2")
    monkeypatch.setenv("ANIMATIONS", "mp4")
    demo = Demo(data / "demo")
    demo.start()
    facts = demo.facts
    try:
        async with SandboxUser(facts["base_url"], facts["user_token"], facts["guild_id"], facts["channel_id"]) as ada:
            await _film(ada)
    finally:
        demo.stop()


async def _film(ada: SandboxUser) -> None:
    grid = await imagine(ada, "a red apple")
    mention = f"<@{ada.user['id']}>"
    single = await press(ada, grid, "U2", rf" - Image #2 {mention}$")
    files, moving = [], single
    ending = rf" - Animate \(High motion\) by {mention} \(fast\)$"
    for button in ("Animate (High motion)", "🔄"):
        moving = await press(ada, moving, button, ending)
        [attachment] = moving["attachments"]
        assert attachment["description"].startswith("A video of a red apple")
        assert (attachment["content_type"], attachment["width"], attachment["height"]) == ("video/mp4", 64, 64)
        files.append(await ada.fetch(attachment["url"]))
        frames, words = mp4.decode(files[-1])
        assert (len(frames), frames[0].shape) == (FRAMES, (64, 64, 3))
        assert (words or "").startswith("a red apple")
        assert labels(moving) == ["🔄", "❤️", "🌳", "↩️"]
    assert files[0] != files[1]
    await ada.wait_answer(await ada.slash("prefer remix"))
    form = await ada.wait_modal(await ada.press(single, "Animate (High motion)"))
    remade = await outcome(
        ada,
        await ada.submit_modal(form, field0="a red apple rolls away"),
        rf"^\*\*a red apple rolls away.*{ending}",
    )
    assert remade["attachments"][0]["description"].startswith("A video of a red apple rolls away")
