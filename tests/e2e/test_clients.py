"""Client libraries that people use with Midjourney, unchanged, against every process of the demo.

They come from npm and PyPI, so these tests are skipped where those cannot be reached.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.demo import Demo

CLIENTS = Path(__file__).with_name("clients")
PACKAGES = ("midjourney@4.3.18", "midjourney-discord-api@1.0.9")
MUTINY = "mutiny-sdk==1.1.0"
INSTALLS_WITHIN_S, RUNS_WITHIN_S = 180, 300


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which npm has installed them."""
    folder = tmp_path_factory.mktemp("packages")
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("there is no npm here")
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=INSTALLS_WITHIN_S)
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"npm cannot install the clients: {error}")
    return folder


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python of its own with mutiny-sdk, whose pins are not ours."""
    folder = tmp_path_factory.mktemp("python")
    venv.create(folder, with_pip=True)
    command = [str(folder / "bin" / "pip"), "install", "--quiet", MUTINY]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=INSTALLS_WITHIN_S)
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"pip cannot install {MUTINY}: {error}")
    return folder / "bin" / "python"


async def said(program: str | Path, script: str, packages: Path, settings: Mapping[str, str]) -> dict[str, Any]:
    """What a client understood, by the name of each operation."""
    environment = {**os.environ, "PACKAGES": str(packages), "CLIENT": json.dumps(settings)}
    process = await asyncio.create_subprocess_exec(
        str(program),
        str(CLIENTS / script),
        env=environment,
        cwd=packages,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(RUNS_WITHIN_S):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        out, err = await process.communicate()
    lines = [json.loads(line) for line in out.decode().splitlines() if line.startswith('{"name"')]
    assert process.returncode == 0, f"after {[line['name'] for line in lines]}: {err.decode()[-2000:]}"
    return {line["name"]: line.get("value") for line in lines}


def settings_of(demo: Demo) -> dict[str, str]:
    """Where the clients find our Discord, and whom they are."""
    facts = demo.facts
    return {
        "ServerId": facts["guild_id"],
        "ChannelId": facts["channel_id"],
        "SalaiToken": facts["user_token"],
        "BotId": facts["application_id"],
        "DiscordBaseUrl": facts["base_url"],
        "WsBaseUrl": facts["gateway_url"] + "/?encoding=json&v=9",
    }


async def test_npm_midjourney_drives_all_that_it_has(demo: Demo, packages: Path) -> None:
    """Grid, U, V, 🔄, upscales, zooms, pans, animation, a form, /shorten, /describe, /blend, /info and the speeds."""
    heard = await said("node", "midjourney.mjs", packages, settings_of(demo))
    grid = heard["imagine"]
    assert grid["labels"][:9] == ["U1", "U2", "U3", "U4", "🔄", "V1", "V2", "V3", "V4"]
    assert any(percent.endswith("%") for percent in heard["percents"])
    endings = {
        "upscale": "Image #2",
        "variation": "Variations (",
        "reroll": "<@",
        "zoom": "Zoom Out by",
        "Upscale (Subtle)": "Upscaled (Subtle) by",
        "Upscale (Creative)": "Upscaled (Creative) by",
        "Vary (Subtle)": "Variations (Subtle) by",
        "Vary (Strong)": "Variations (Strong) by",
        "Zoom Out 1.5x": "Zoom Out by",
        "⬅️": "Pan Left by",
        "⬆️": "Pan Up by",
        "Animate (Low motion)": "Animate (Low motion) by",
        "Custom Zoom": "Zoom Out by",
    }
    for name, words in endings.items():
        assert words in heard[name]["content"], name
    assert len({heard[name]["hash"] for name in endings}) == len(endings), "each is a job of its own"
    assert heard["Custom Zoom"]["content"].startswith("**a red apple --ar 2:1")
    assert [line[:3] for line in heard["shorten"]["prompts"]] == [f"{number}️⃣" for number in range(1, 6)]
    described = heard["describe"]
    assert [line[:3] for line in described["descriptions"]] == [f"{number}️⃣" for number in range(1, 5)]
    assert all(line.endswith("--ar 1:1") for line in described["descriptions"])
    assert [one["label"] for one in described["options"]] == ["1️⃣", "2️⃣", "3️⃣", "4️⃣", "🔄", "Imagine all"]
    assert heard["blend"]["content"].startswith("**<http")
    assert heard["blend"]["labels"][:5] == ["U1", "U2", "U3", "U4", "🔄"]
    assert "Fast Time Remaining" in json.dumps(heard["info"]) or heard["info"]["fastTimeRemaining"]


async def test_npm_midjourney_discord_api_drives_grids(demo: Demo, packages: Path) -> None:
    """Without the ids of Midjourney's own commands in its code it asks for ours: grid, U, V, 🔄 and speeds."""
    heard = await said("node", "midjourney_discord_api.mjs", packages, settings_of(demo))
    words = {"imagine": "(fast)", "upscale": "Image #2", "variant": "Variations (", "reroll": "Variations ("}
    for name, ending in words.items():
        assert ending in heard[name]["content"], name
        assert heard[name]["file"], name
    assert len({heard[name]["id"] for name in words}) == len(words), "each is a message of its own"
    assert heard["relax"] == heard["fast"] == 204


async def test_mutiny_sdk_drives_what_has_a_button_here(demo: Demo, python: Path, tmp_path: Path) -> None:
    """Grid, U, V, both upscales, both variations, pan, zoom and custom zoom; a compressed gateway."""
    heard = await said(python, "mutiny_sdk.py", tmp_path, settings_of(demo))
    expected = {"imagine", "upscale", "vary", "upscale subtle", "upscale creative", "vary subtle", "vary strong", "pan"}
    assert set(heard) == expected | {"zoom", "custom zoom"}
    for name, job in heard.items():
        assert "succe" in job["status"].lower() or "complete" in job["status"].lower(), (name, job)
        assert "cdn" in job["output"] or "http" in job["output"], (name, job)
