"""Writes operators-day.md: an operator's tasks, each one command, really run against the demo of this repository.

`python docs/operators_day.py` starts `python -m sandbox demo` in a folder of its own, lets a person make pictures, runs
the commands and writes down what each said. The picture of `easel top` is drawn from the same demo; with the
word `top` it is all that is made.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textual.widgets import DataTable

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from exchange.connection import connect  # noqa: E402  # after the path that leads to it
from exchange.inspection import list_jobs  # noqa: E402
from exchange.status import Status, read_status  # noqa: E402
from tests.sandbox_user import SandboxUser  # noqa: E402

HEAD = """\
# An operator's day

<!-- Written by `python docs/operators_day.py`, which runs each command against the demo. -->

Every task is one command. What follows was really run, on a processor, against the demo (`make demo`): one Redis, one
bot, one worker with the model that ships, and a person who makes pictures. Every command takes `--json`; an exit status
other than 0 is shown, and [the command line](command-line.md) says what each means.
"""
LATE_S = 300.0


@dataclass(frozen=True)
class Task:
    """One thing to do: `words` after `easel`; `{…}` are filled in from what runs."""

    title: str
    words: str
    remark: str = ""


TASKS = (
    Task("Is anything wrong, before I open?", "doctor"),
    Task("How is it doing?", "status"),
    Task("What are people making?", "jobs"),
    Task("What became of this job, and where did its time go?", "jobs {delivered}"),
    Task("Which jobs failed, and why?", "jobs --state failed"),
    Task("Take a host out of service without losing a job", "drain {place}", "It is kept over restarts of the worker."),
    Task("What waits now?", "jobs --state queued", "A person asked for a picture meanwhile; nothing draws it."),
    Task("End a job that should not run", "cancel {waiting}", "Its waiting message says so."),
    Task("Back into service", "undrain {place}"),
    Task("Do a job again", "requeue {delivered}", "Only what failed is done again, from the step that failed."),
    Task("Try at once what was left alone", "reset-breaker"),
    Task("What do I offer, and under which licences?", "models list"),
    Task("Are the weights whole, and the same everywhere?", "models verify"),
    Task("Does a model draw here, and how fast?", 'models try easel-small --prompt "a red apple --seed 7"'),
    Task("How fast is this host?", "bench --times 1"),
    Task("Who is this person, and what have they made?", "users show {user}"),
    Task("Stop somebody for a week", 'users block {user} --why "spam in #studio" --days 7'),
    Task("Let them in again", "users unblock {user}"),
    Task("At most so many jobs an hour for each", "policy set jobs-per-hour 60"),
    Task("Who did what to whom?", "audit --last 5"),
    Task("A key for a program", "keys create shop"),
    Task("Which keys are there?", "keys list"),
    Task("What would retention delete?", "prune --days 30 --dry-run"),
    Task("Did we make these pictures, and can they be drawn again?", "verify {pictures}"),
    Task("My own traffic, as a trace", "trace export traffic.csv"),
    Task("What would one more GPU be worth?", "simulate --trace traffic.csv --gpus 1"),
)


def main() -> None:
    """Run the day and write it down."""
    with tempfile.TemporaryDirectory(prefix="easel-day-") as folder:
        page = asyncio.run(day(Path(folder)))
    (HERE / "operators-day.md").write_text(page, encoding="utf-8")


async def day(folder: Path) -> str:
    """The page."""
    command = [sys.executable, "-m", "sandbox", "demo", "--json", "--port", "0", "--data", str(folder / "data")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    demo = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    try:
        assert demo.stdout is not None
        fact = json.loads(await asyncio.wait_for(demo.stdout.readline(), LATE_S))
        return await _tasks(fact, folder)
    finally:
        with suppress(ProcessLookupError):
            demo.terminate()
        await demo.wait()


async def _tasks(fact: Mapping[str, Any], folder: Path) -> str:
    settings = settings_of(fact, folder)
    client = connect(settings["REDIS_URL"])
    parts = [HEAD]
    async with SandboxUser(*person_of(fact)) as person:
        if sys.argv[1:] == ["top"]:
            await picture_of_top(client, person)
            return (HERE / "operators-day.md").read_text(encoding="utf-8")
        for prompt in ("a red apple", "a blue fish --ar 3:2", "a house in the snow"):
            await person.slash("imagine", prompt=prompt)
        await _until(lambda: len([job for job in list_jobs(client) if str(job.state) == "delivered"]) >= 3)
        known = {
            "delivered": list_jobs(client)[-1].id,
            "user": str(person.user["id"]),
            "place": next(one["place"] for one in read_status(client).workers if one.get("place")),
            "pictures": await asyncio.to_thread(pictures_in, folder),
        }
        await picture_of_top(client, person)
        for number, task in enumerate(TASKS, 1):
            if task.words.startswith("jobs --state queued"):
                await person.slash("imagine", prompt="a green tree")
                await _until(lambda: any(str(job.state) == "queued" for job in list_jobs(client)))
                known["waiting"] = next(job.id for job in list_jobs(client) if str(job.state) == "queued")
            parts.append(_section(number, task, task.words.format(**known), settings, folder))
            if task.words.startswith("status"):
                parts.append("\nThe same, live, with `easel top`:\n\n![easel top](top.svg)\n")
    client.close()
    return "".join(parts)


def pictures_in(folder: Path) -> str:
    """Three files of the store."""
    return " ".join(str(path.relative_to(folder)) for path in sorted(folder.glob("data/images/*/*/0.png"))[:3])


def settings_of(fact: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """The demo's settings, as an operator would have them in `.env`."""
    return {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")},
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "110",
        "NO_COLOR": "1",
        "OMP_NUM_THREADS": "1",
        "REDIS_URL": str(fact["redis_url"]),
        "DISCORD_TOKEN": str(fact["bot_token"]),
        "DISCORD_API_BASE": str(fact["base_url"]),
        "IMAGE_STORE": str(folder / "data" / "images"),
        "STATE_FOLDER": str(folder / "data" / "worker"),
        "API_SECRET": "a-secret-of-the-demo",
        "API_PORT": "0",
    }


def person_of(fact: Mapping[str, Any]) -> tuple[str, str, str | None, str]:
    """Where a person sits down: address, token, server, channel."""
    return str(fact["base_url"]), str(fact["user_token"]), str(fact["guild_id"]), str(fact["channel_id"])


def _section(number: int, task: Task, words: str, settings: Mapping[str, str], folder: Path) -> str:
    command = f"{sys.executable} -m console {words}"
    done = subprocess.run(
        command, shell=True, cwd=folder, env=dict(settings), capture_output=True, text=True, timeout=LATE_S, check=False
    )
    # What libraries write to standard error is theirs; of ours there is one sentence, when something was not done.
    ours = [line for line in done.stderr.splitlines() if line.startswith("easel: ")] if done.returncode else []
    said = _neutral("\n".join([done.stdout.rstrip(), *ours]).strip(), settings, folder)
    words = _neutral(words, settings, folder)
    status = f"\n(exit status {done.returncode})" if done.returncode else ""
    shown = words if len(words) < 200 else words[:90] + " …"
    print(f"{number} {words[:60]}: {done.returncode}", flush=True)
    after = f"\n{task.remark}\n" if task.remark else ""
    return f"\n## {number}. {task.title}\n\n```\n$ easel {shown}\n{said}{status}\n```\n{after}"


def _neutral(text: str, settings: Mapping[str, str], folder: Path) -> str:
    """Without what is of this machine alone."""
    for mine, shown in (
        (str(folder), "/srv/easel"),
        (str(ROOT), "/opt/easel"),
        (settings["DISCORD_API_BASE"], "http://127.0.0.1:8911"),
        (socket.gethostname(), "gpu-host-1"),
    ):
        text = text.replace(mine, shown)
    return re.sub(r"easel-[A-Za-z0-9_-]{30,}", "easel-…", text)


async def picture_of_top(client: Any, person: SandboxUser) -> None:
    """`easel top` while a person waits for some pictures, as a file beside this one."""
    from console.top import Top

    def status() -> Status:
        now = read_status(client)
        workers = tuple({name: _shown(value) for name, value in worker.items()} for worker in now.workers)
        running = tuple(replace(job, slot=_shown(job.slot)) for job in now.running)
        return replace(now, workers=workers, running=running)

    for number in range(5):
        await person.slash("imagine", prompt=f"a red apple --seed {number}")
    app = Top(status, every_s=0.2)
    async with app.run_test(size=(132, 30)) as pilot:
        for _ in range(200):
            await pilot.pause(0.1)
            if app.query_one("#jobs", DataTable).row_count and app.query_one("#models", DataTable).row_count:
                break
        await pilot.pause(0.5)  # what is in the tables is painted a moment later
        picture = app.export_screenshot(title="easel top")
    (HERE / "top.svg").write_text(picture, encoding="utf-8")
    await _until(lambda: all(job.state is not None and job.state.ended for job in list_jobs(client)))


def _shown(text: str) -> str:
    return text.replace(socket.gethostname(), "gpu-host-1")


async def _until(said: Any) -> None:
    for _ in range(int(LATE_S * 5)):
        if await asyncio.to_thread(said):
            return
        await asyncio.sleep(0.2)
    raise TimeoutError("the demo did not get there")


if __name__ == "__main__":
    main()
