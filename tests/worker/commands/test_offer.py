"""`models list|pull|verify|try` and `bench`: what an operator asks before a first job."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import redis
from PIL import Image
from typer.testing import CliRunner

from contract.errors import EaselError
from exchange import keys
from exchange.answering import exit_status
from worker.__main__ import app
from worker.settings import DEFAULT_MODEL


@pytest.fixture
def run(client: redis.Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A command of the worker's, on an empty Redis; its exit status and what it printed last, as JSON if it is."""
    monkeypatch.chdir(tmp_path)

    def command(*words: str, **environment: str) -> tuple[int, Any]:
        result = CliRunner().invoke(app, list(words), env={"REDIS_URL": redis_url, "DEVICE": "cpu", **environment})
        if isinstance(result.exception, EaselError):
            return exit_status(result.exception), str(result.exception)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        last = (result.stdout.splitlines() or [""])[-1]
        return result.exit_code, json.loads(last) if "--json" in words else last

    return command


def test_the_offer_is_listed_with_its_licences(run: Any, client: redis.Redis) -> None:
    """Where each comes from, whether it is here, and who serves it; without Redis that is unknown."""
    client.hset(keys.node("north"), mapping={"name": "north", "pid": 1, "models": "easel-small"})
    status, found = run("models", "list", "--json")
    [model] = found["models"]
    assert (status, model["name"], model["here"], model["workers"]) == (0, "easel-small", True, 1)
    assert "MIT" in model["licence"]
    assert run("models", "list", "--json", REDIS_URL="")[1]["models"][0]["workers"] is None


def test_files_are_verified_without_loading_them(run: Any, client: redis.Redis, tmp_path: Path) -> None:
    """Whole; other weights on another host; cut off."""
    status, found = run("models", "verify", "--json")
    [model] = found["models"]
    assert (status, model["problems"]) == (0, [])
    node: dict[Any, Any] = {
        "name": "north",
        "place": "north:0",
        "loaded": "easel-small",
        "fingerprint": model["fingerprint"],
    }
    client.hset(keys.node("north"), mapping=node)
    assert run("models", "verify")[0] == 0
    client.hset(keys.node("north"), "fingerprint", "0000beef")
    status, found = run("models", "verify", "--json")
    assert (status, found["models"][0]["problems"]) == (1, ["another fingerprint on north:0 (0000beef)"])
    folder = Path(shutil.copytree(DEFAULT_MODEL, tmp_path / "model"))
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    )
    (folder / "scheduler" / "scheduler_config.json").write_text("{")
    from model.files import damage_in

    damage = "\n".join(damage_in(folder))
    for words in ("its header says", "Git LFS pointer", "scheduler_config.json cannot be read"):
        assert words in damage


def test_a_picture_is_tried(run: Any, tmp_path: Path) -> None:
    """As a job would be drawn: size by its flags, parameters in the file."""
    status, said = run("models", "try", "easel-small", "--prompt", "a fox --ar 2:1 --seed 7", "--json")
    assert (status, said["seed"], said["device"]) == (0, 7, "cpu")
    with Image.open(tmp_path / "try.png") as image:
        assert image.width == 2 * image.height
        assert "a fox" in str(image.info)


def test_what_is_not_in_the_catalogue(run: Any) -> None:
    """Said with what is, and exit status 3; a prompt that cannot be drawn is said too."""
    for words in (("try",), ("verify",), ("pull",)):
        status, said = run("models", *words, "sdxll")
        assert (status, "sdxll" in said, "easel-small" in said) == (3, True, True)
    assert run("models", "try", "easel-small", "--prompt", "a fox --ar nonsense")[0] == 2


def test_what_lies_here_is_not_fetched_again(run: Any) -> None:
    """The model that ships is here."""
    status, found = run("models", "pull", "--json")
    assert (status, found["models"][0]["folder"]) == (0, str(DEFAULT_MODEL))


def test_a_host_is_measured(run: Any) -> None:
    """Every figure is there, and none is zero."""
    status, figures = run("bench", "--times", "1", "--json", SLOTS="2")
    assert status == 0
    numbers = {name: value for name, value in figures.items() if isinstance(value, int | float)}
    assert {"redis_p99_ms", "store_write_p50_ms", "grid_alone_s", "grids_a_minute_together"} <= set(numbers)
    assert all(value > 0 for value in numbers.values())
