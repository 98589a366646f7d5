"""The language as a program: lines in, lines out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from contract.prompt.__main__ import answer


@pytest.fixture(scope="module")
def program() -> Iterator[subprocess.Popen[str]]:
    """`python -m contract.prompt`, waiting for lines."""
    process = subprocess.Popen(
        [sys.executable, "-m", "contract.prompt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.communicate(timeout=60)
    assert process.returncode == 0


def _ask(**request: Any) -> dict[str, Any]:
    document = json.loads(answer(json.dumps(request)))
    assert isinstance(document, dict)
    return document


def test_each_line_is_answered_before_the_next_comes(program: subprocess.Popen[str]) -> None:
    """The program can be driven by hand: no answer waits in a buffer, and bad lines do not end it."""
    assert program.stdin is not None
    assert program.stdout is not None
    for line, key in (('{"prompt": "a fox"}', "echo"), ("not json", "error"), ('{"prompt": "wolf"}', "echo")):
        program.stdin.write(line + "\n")
        program.stdin.flush()
        assert key in json.loads(program.stdout.readline())


def test_an_answer_has_every_key() -> None:
    """What a program can rely on when a prompt is accepted."""
    assert _ask(prompt="https://a.org/x.png owl::2 cat --no dogs --ar 3:2 --tile --iw .5") == {
        "parts": [["owl", 2], ["cat", 1]],
        "no": ["dogs"],
        "images": [["https://a.org/x.png", None]],
        "params": {"aspect": "3:2", "tile": True, "iw": 0.5},
        "jobs": 1,
        "confirm": False,
        "expansions": [],
        "echo": "<https://a.org/x.png> owl::2 cat --no dogs --ar 3:2 --tile --iw .5 --v 6.1",
    }


def test_a_random_style_is_drawn_and_echoed() -> None:
    """§3.12: `--sref random` is a number in the echo, the same whenever the same line is asked."""
    first = _ask(prompt="fox --sref random")
    number = first["params"]["sref"][0][0]
    assert first["echo"] == f"fox --v 8.2 --sref {number}"
    assert first == _ask(prompt="fox --sref random")
    assert _ask(prompt="wolf --sref random")["params"]["sref"] != first["params"]["sref"]


def test_the_version_may_be_a_number_or_a_name() -> None:
    """Programs write 7, "7", "7.0" or "niji 6"."""
    for version in (7, 7.0, "7", "7.0", "v 7"):
        assert _ask(prompt="fox", version=version)["echo"] == "fox --v 7.0"
    assert _ask(prompt="fox", version="niji 6")["echo"] == "fox --niji 6"
    assert _ask(prompt="fox", version="test")["echo"] == "fox --test"
    assert _ask(prompt="fox", version="99")["error"]["kind"] == "bad_value"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "7",
        "null",
        '"fox"',
        "{}",
        '{"prompt": null}',
        '{"prompt": 7}',
        '{"prompt": "a", "plan": "gold"}',
        '{"prompt": "a", "speed": ["fast"]}',
        '{"prompt": "a", "command": "dance"}',
        '{"prompt": "a", "options": {"b": 7}}',
        '{"prompt": "a", "options": []}',
        '{"prompt": "a", "suffix": 7}',
        '{"prompt": "a", "version": true}',
        '{"prompt": "a", "profile_ready": "yes"}',
        "[" * 200_000,
        '{"prompt": "a", "version": ' + "9" * 10_000 + "}",
    ],
    ids=lambda line: line[:40],
)
def test_what_is_no_request_gets_an_error_line(line: str) -> None:
    """Never a traceback: kind, title and a sentence."""
    error = json.loads(answer(line))["error"]
    assert error["kind"] == "bad_request"
    assert error["title"]
    assert error["description"]


def test_fields_that_are_null_are_absent() -> None:
    """A program may leave a field out or null."""
    request = dict.fromkeys(("version", "plan", "speed", "suffix", "options", "command", "profile_ready"))
    assert _ask(prompt="fox", **request) == _ask(prompt="fox")
