"""`easel top`: the house, live. What it shows is `exchange.status`; here it only gets its place on the screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import redis
from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Footer, Header, Static
from textual.worker import get_current_worker

from exchange.status import Status
from exchange.weather import sentence

Row = tuple[str | Text, ...]

QUEUES = ("queue", "waiting", "running", "later", "failed", "slots", "oldest")
MODELS = ("model", "waiting", "oldest")
WORKERS = ("place", "model", "slots", "running", "memory", "card", "card's memory", "busy", "state")
JOBS = ("job", "step", "model", "for", "slot")
LATE_S, OLD_S = 60.0, 600.0
"""How long a job may wait before its age is shown as a warning, and as an alarm."""


class Top(App[None]):
    """Asks `read` every `every_s` seconds, in a thread: a Redis that is away freezes nothing."""

    TITLE = "easel top"
    CSS = """
    Static { padding: 0 1; }
    DataTable { height: auto; max-height: 50%; margin: 0 0 1 0; }
    #note { color: $text-warning; height: auto; }
    """
    BINDINGS = [  # noqa: RUF012  # as textual declares it
        Binding("q", "quit", "end"),
        Binding("ctrl+c", "quit", "end", show=False, priority=True),  # its own would only say how to end
    ]

    def __init__(self, read: Callable[[], Status], every_s: float = 1.0) -> None:
        super().__init__()
        self._read_status = read
        self._every_s = every_s

    def compose(self) -> ComposeResult:
        """Four tables, and a line for what is amiss."""
        yield Header(show_clock=True)
        with VerticalScroll():
            yield Static(id="note")
            for name, columns in (("queues", QUEUES), ("models", MODELS), ("workers", WORKERS), ("jobs", JOBS)):
                table: DataTable[str | Text] = DataTable(id=name, cursor_type="none", zebra_stripes=True)
                table.add_columns(*columns)
                yield table
        yield Footer()

    def on_ready(self) -> None:
        """Begin to ask, now that everything is on the screen."""
        self.follow()

    @work(thread=True, exclusive=True)
    def follow(self) -> None:
        """Ask until the program ends."""
        worker = get_current_worker()
        while not worker.is_cancelled:
            try:
                status = self._read_status()
            except redis.exceptions.RedisError as error:
                self.call_from_thread(self.say, f"Redis: {sentence(error)}")
            else:
                self.call_from_thread(self.show, status)
            time.sleep(self._every_s)

    def say(self, words: str) -> None:
        """Put words into the line above the tables, unless the screen is going away."""
        for note in self.query("#note").results(Static):
            note.update(words)

    def show(self, status: Status) -> None:
        """Put the state of things on the screen."""
        self.say("\n".join(notes(status)))
        for name, rows in (
            ("queues", queue_rows(status)),
            ("models", model_rows(status)),
            ("workers", worker_rows(status)),
            ("jobs", job_rows(status)),
        ):
            for table in self.query(f"#{name}").results(DataTable):
                table.clear()
                table.add_rows(rows)


def notes(status: Status) -> list[str]:
    """What is amiss, a line each."""
    lines = []
    if status.suspended:
        lines.append("everything is suspended; `rq resume` lets jobs start again")
    if not status.drawing:
        lines.append("no worker draws; `easel start` starts one")
    if status.held:
        lines.append(f"{status.held} jobs wait for the bot's answer")
    return lines


def queue_rows(status: Status) -> list[Row]:
    """A row for each queue."""
    return [
        (
            queue.name,
            str(queue.waiting),
            str(queue.running),
            str(queue.scheduled),
            Text(str(queue.failed), "bold red" if queue.failed else ""),
            str(queue.slots),
            _age(queue.oldest_s),
        )
        for queue in status.queues
    ]


def model_rows(status: Status) -> list[Row]:
    """A row for each model that jobs wait for."""
    return [(backlog.model, str(backlog.waiting), _age(backlog.oldest_s)) for backlog in status.backlog]


def worker_rows(status: Status) -> list[Row]:
    """A row for each process, and for each device that is left alone."""
    rows: list[Row] = []
    for worker in status.workers:
        place = worker.get("place") or worker.get("name", "?")
        running = sum(1 for job in status.running if job.slot.rpartition("-")[0] == worker.get("name"))
        rows.append(
            (
                place,
                worker.get("loaded") or _part(worker),
                worker.get("slots", ""),
                str(running),
                _size(worker.get("memory_bytes")),
                worker.get("card", ""),
                " of ".join(
                    filter(None, (_size(worker.get("card_used_bytes")), _size(worker.get("card_total_bytes"))))
                ),
                f"{worker['card_busy_percent']} %" if "card_busy_percent" in worker else "",
                _state(worker, place, status.drained),
            )
        )
    return rows


def job_rows(status: Status) -> list[Row]:
    """A row for each job that is worked on, longest first."""
    running = sorted(status.running, key=lambda job: job.for_s, reverse=True)
    return [(job.job_id, job.queue, job.model, f"{job.for_s:.1f} s", job.slot) for job in running]


def _part(worker: dict[str, str]) -> str:
    return "only delivers" if "delivers" in worker else "only brings in" if "brings_in" in worker else ""


def _state(worker: dict[str, str], place: str, drained: Iterable[str]) -> Text:
    if "state" in worker:
        return Text(worker["state"], "bold red")
    if worker.get("refused"):
        return Text(f"refuses {worker['refused']}", "bold red")
    if {place, place.partition(":")[0]} & set(drained):
        return Text("drained", "yellow")
    return Text("takes jobs", "green")


def _age(seconds: float) -> Text:
    if seconds <= 0:
        return Text("")
    style = "bold red" if seconds > OLD_S else "yellow" if seconds > LATE_S else ""
    return Text(f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min", style)


def _size(count: str | None) -> str:
    if not count or not count.isdigit():
        return ""
    return f"{int(count) / 2**30:.1f} GiB" if int(count) >= 2**30 else f"{int(count) / 2**20:.0f} MiB"
