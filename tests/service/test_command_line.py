"""`easel-policy`: what an operator types."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import pytest
import redis.asyncio

from contract.codec import job_document
from contract.errors import UserError
from contract.jobs import User
from exchange.images import FolderStore
from exchange.settings import SettingsError
from service.__main__ import main, read_field, read_limit
from tests.contract.factories import imagine

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(redis_url: str, store: redis.asyncio.Redis, tmp_path: Path) -> dict[str, str]:
    """Where the service is."""
    return os.environ | {"REDIS_URL": redis_url, "IMAGE_STORE": str(tmp_path / "images")}


def run(environment: dict[str, str], *words: str) -> tuple[int, str, str]:
    """Status, output and errors of one command, in a thread: it has an event loop of its own."""
    out, err = io.StringIO(), io.StringIO()

    def command() -> int:
        with (
            patch.dict(os.environ, environment),
            patch.object(sys, "argv", ["easel-policy", *words]),
            redirect_stdout(out),
            redirect_stderr(err),
            pytest.raises(SystemExit) as ended,
        ):
            main()
        return int(ended.value.code or 0)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(command).result(), out.getvalue(), err.getvalue()


def test_it_is_a_command(environment: dict[str, str]) -> None:
    """A process of its own: an answer on its output, a sentence and a status for what cannot be."""
    command = [sys.executable, "-m", "service"]
    for words, expected in (
        (("ban", "user", "5"), (0, "user 5 makes no pictures\n", "")),
        (("unban", "user", "6"), (4, "", "easel-policy: user 6 is not banned\n")),
    ):
        done = subprocess.run(
            [*command, *words], capture_output=True, text=True, cwd=ROOT, env=environment, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == expected


async def test_what_is_set_is_shown_and_on_record(environment: dict[str, str]) -> None:
    """Ban, invitation, direct messages and jobs per hour; then the record of it."""
    for words in (
        ("ban", "user", "5", "--why", "spam"),
        ("invite", "guild", "22"),
        ("set", "direct-messages", "off"),
        ("set", "pictures", "medium/soft"),
        ("set", "jobs-per-hour", "20"),
        ("word", "gore=heavy/soft"),
        ("quota", "role", "7", "--fast-minutes", "600", "--cooldown-s", "any"),
    ):
        assert run(environment, *words)[0] == 0, words
    status, output, _ = run(environment, "show")
    shown = [line.partition("  (")[0] for line in output.splitlines()]
    assert status == 0
    assert {"direct messages: off", "pictures: medium/soft", "jobs per hour: 20", "strikes: 3"} <= set(shown)
    assert shown[-4:] == [
        "word: gore=heavy/soft",
        "quota: role 7: fast_minutes 600, cooldown_s any",
        "banned: user 5: spam",
        "invited: guild 22",
    ]
    _, output, _ = run(environment, "audit", "--last", "3")
    assert [line.split("\t")[1:] for line in output.splitlines()] == [
        ["operator", "quota", "role 7", "fast_minutes 600, cooldown_s any"],
        ["operator", "word", "gore", "heavy/soft"],
        ["operator", "policy", "jobs_per_hour", "20"],
    ]
    assert run(environment, "check", "a {n u d e, g.o.r.e} fox")[1] == "heavy\tgore\ta g.o.r.e fox\n"
    assert run(environment, "unban", "user", "5")[1] == "user 5 may make pictures again\n"
    assert run(environment, "unban", "user", "5") == (4, "", "easel-policy: user 5 is not banned\n")
    assert run(environment, "uninvite", "user", "5")[0] == run(environment, "unword", "lamp")[0] == 4
    assert run(environment, "forget", "5")[1] == "forgotten, with the pictures of 0 jobs\n"


async def test_a_rule_about_what_prompts_keep_away_is_no_option(environment: dict[str, str]) -> None:
    """`--no clothes` is an entry of the list, as it stands on the page; a slip in an option is still refused."""
    assert run(environment, "word", "--no clothes", "--json")[1] == '{"blocked": "--no clothes"}\n'
    assert run(environment, "check", "a statue --no clothes")[1].startswith("medium\t")
    assert run(environment, "try", "--no clothes")[0] == 0
    assert run(environment, "unword", "--no clothes")[1] == "taken off\n"
    assert run(environment, "word", "gore", "--jsn")[0] == 2


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("turbo", "maybe", "neither on nor off"),
        ("strikes", "1.5", "no whole number"),
        ("strikes", "any", "no whole number"),
        ("picture_threshold", "7", "from 0 to 1"),
        ("pictures", "hard", "bad_weight"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(name: str, value: str, said: str) -> None:
    """Before anything is asked of Redis."""
    with pytest.raises((SettingsError, UserError), match=said):
        read_field(name, value)


def test_a_channels_id_is_kept_to_its_last_digit() -> None:
    """It is longer than a number that a float holds."""
    assert read_field("review_channel", "1575772918699261953") == 1575772918699261953


@pytest.mark.parametrize("text", ["-1", "many", "nan", "1e12"])
def test_what_is_no_limit_is_named(text: str) -> None:
    """A limit is a number, or `any`."""
    with pytest.raises(SettingsError, match="is no limit"):
        read_limit(text)


async def test_nothing_is_changed_by_a_mistake(environment: dict[str, str]) -> None:
    """One sentence names the nearest thing that there is."""
    for arguments, said in (
        (("set", "picture", "off"), "did you mean pictures"),
        (("set", "time outs", "5"), "did you mean time-out-min"),
        (("word", "🔫"), "holds no word"),
    ):
        status, output, errors = run(environment, *arguments)
        assert (status, output) == (2, "")
        assert said in errors
    assert run(environment, "audit")[1] == "nothing is on record\n"


async def test_a_rule_is_tried_on_past_jobs(environment: dict[str, str]) -> None:
    """Shadow mode: so many jobs and people it would have met, and which."""
    store = FolderStore(Path(environment["IMAGE_STORE"]))
    for number, (text, score) in enumerate([("a fox", 0.1), ("a foxes' den", 0.9), ("a cat", 0.95)]):
        job = imagine(text, interaction=number, user=User(number % 2, "x"))
        store.put_record({**job_document(job), "screened": [score]})
    status, output, _ = run(environment, "try", "fox=heavy, dog", "--threshold", "0.9")
    assert status == 0
    lines = [line for line in output.splitlines() if not line.startswith("  ")]
    assert lines == [
        "3 jobs of 2 people",
        "fox=heavy: 2 jobs of 2 people",
        "dog: 0 jobs of 0 people",
        "pictures: 2 jobs of 2 people",
        "3 jobs have pictures that were looked at",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"REDIS_URL": "unix:///nowhere/redis.sock"}, "Redis"), ({"IMAGE_STORE": "gs://bucket"}, "IMAGE_STORE")],
)
async def test_what_cannot_be_done_is_one_sentence(
    environment: dict[str, str], changes: dict[str, str], said: str
) -> None:
    """Status 2, nothing on the output, and what to mend on standard error."""
    status, output, errors = run(environment | changes, "show")
    assert (status, output) == (2, "")
    assert said in errors
    assert "Traceback" not in errors
