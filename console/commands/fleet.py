"""What runs, and what is done to all of it: `status`, `top`, `drain`, `undrain`, `reset-breaker`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Annotated

import typer

from exchange import drains, keys
from exchange.answering import AsJson, NotNow, answer
from exchange.opening import open_redis
from exchange.settings import CommonSettings, SettingsError, read_settings
from exchange.status import describe_status, read_status

Place = Annotated[str, typer.Argument(metavar="HOST[:GPU]", help="a host as `status` shows it, or one of its devices")]


def status(as_json: AsJson = False) -> None:
    """Show queues and workers."""
    now = read_status(open_redis(read_settings(CommonSettings)))
    answer(now.document(), describe_status(now), as_json)


def top(
    every: Annotated[float, typer.Option(min=0.2, help="seconds between two looks")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object a look")] = False,
) -> None:
    """Watch queues, models, workers and jobs, live; `q` ends it."""
    client = open_redis(read_settings(CommonSettings))
    while as_json:
        typer.echo(json.dumps(read_status(client).document()))
        time.sleep(every)
    try:
        from console.top import Top
    except ModuleNotFoundError as missing:
        raise SettingsError(
            f'`pip install ".[top]"` brings {missing.name}, which `top` draws with; `easel status` shows the same once'
        ) from None
    Top(lambda: read_status(client), every).run()


def drain(place: Place, as_json: AsJson = False) -> None:
    """Let a host, or one of its devices, begin no job any more: what runs is finished, what is drawn is posted.

    It is kept over restarts of the worker, until `undrain`.
    """
    place = drains.parse_place(place)
    client = open_redis(read_settings(CommonSettings))
    if not drains.drain(client, place):
        raise NotNow(f"{place} is drained already")
    now = read_status(client)
    here = {worker["name"] for worker in now.workers if _is_in(worker, place)}
    running = sum(1 for running in now.running if running.slot.rpartition("-")[0] in here)
    words = f"{place} begins no job any more; {running} still run there."
    if not here:
        words = f"{place} begins no job any more. No worker is there now: is that how `easel status` writes it?"
    answer({"place": place, "drained": True, "running": running}, words, as_json)


def _is_in(worker: Mapping[str, str], place: str) -> bool:
    own = worker.get("place", "")
    return place in (own, own.partition(":")[0])


def undrain(place: Place, as_json: AsJson = False) -> None:
    """Let a drained host or device begin jobs again."""
    place = drains.parse_place(place)
    if not drains.undrain(open_redis(read_settings(CommonSettings)), place):
        raise NotNow(f"{place} is not drained; `easel status` shows what is")
    answer({"place": place, "drained": False}, f"{place} begins jobs again.", as_json)


def reset_breaker(as_json: AsJson = False) -> None:
    """Try again at once what was left alone: devices whose process kept dying, models that kept failing."""
    times = open_redis(read_settings(CommonSettings)).incr(keys.resumed())
    answer({"times": times}, "Every device and model that was left alone is tried again now.", as_json)
