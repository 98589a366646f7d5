"""`bench`: how fast this host is at what a worker does, in a minute: queue, store, and its model alone and together."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contract.ids import job_id
from contract.planning import plan
from exchange.answering import AsJson, answer
from exchange.catalogue import open_catalogue
from exchange.images import ImageStore
from exchange.logs import configure_logs
from exchange.opening import open_redis
from exchange.settings import read_settings
from worker.commands.trial import operators_job
from worker.process import devices_of, open_checked_store
from worker.settings import WorkerSettings

if TYPE_CHECKING:
    from model import Request
    from worker.engines import Engine

ROUND_TRIPS = 300
FILES = 20
FILE_BYTES = 1_000_000
"""About the size of a grid."""


def bench(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="of the catalogue; the first if none")] = None,
    times: Annotated[int, typer.Option(min=1, max=100, help="grids drawn for each figure")] = 3,
    as_json: AsJson = False,
) -> None:
    """Measure this host: Redis' round trip, the image store, and grids of a model drawn alone and SLOTS together."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    settings = read_settings(WorkerSettings)
    configure_logs(settings.log_format, "error")
    client = open_redis(settings)
    figures: dict[str, Any] = {f"redis_{name}": value for name, value in _spread(client.ping, ROUND_TRIPS).items()}
    figures |= _store(open_checked_store(settings))
    figures |= _model(settings, model, times)
    answer(figures, "\n".join(f"{name:24}{value}" for name, value in figures.items()), as_json)


def _spread(do: Callable[[], object], times: int) -> dict[str, float]:
    """Milliseconds at the median and the 99th percentile."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        do()
        taken.append((time.perf_counter() - begun) * 1000)
    return {"p50_ms": round(statistics.median(taken), 3), "p99_ms": round(statistics.quantiles(taken, n=100)[98], 3)}


def _store(store: ImageStore) -> dict[str, float]:
    """Milliseconds to write and read back a picture's file; what was written is deleted again."""
    own = job_id(0, 0, time.time_ns())
    data = b"\x89PNG\r\n\x1a\n" + os.urandom(FILE_BYTES)
    try:
        written = _spread(lambda: store.put_image(own, 0, data), FILES)
        read = _spread(lambda: store.get_image(own, 0), FILES)
    finally:
        store.delete(own)
    return {"store_write_p50_ms": written["p50_ms"], "store_read_p50_ms": read["p50_ms"]}


def _model(settings: WorkerSettings, name: str | None, times: int) -> dict[str, Any]:
    """Load time, and grids a minute, alone and with as many at once as this worker has slots."""
    from pathlib import Path

    from worker.loading import Loader
    from worker.render import request_for

    catalogue = open_catalogue(settings.catalogue, commercial=settings.commercial)
    offered = catalogue.asked_for(name) if name is not None else catalogue.named(settings.models_of(catalogue)[0])
    job = operators_job("a red apple", offered, catalogue)
    planned = plan(job, offered)
    device = devices_of(settings, None)[0]
    dtype = None if settings.dtype == "auto" else settings.dtype
    graphs = Path(settings.state_folder) / "graphs"
    begun = time.perf_counter()
    loader = Loader(
        catalogue, "cuda" if device.isdigit() else device, dtype=dtype, source=settings.model_source, graphs=graphs
    )
    warm = loader.load(offered.name)
    load_s = time.perf_counter() - begun
    try:
        request = request_for(job, planned)
        alone_s = _drawn(warm.engine, [request], times)
        together_s = _drawn(warm.engine, [request] * settings.slots, times)
    finally:
        warm.engine.close()
    return {
        "model": offered.name,
        "device": warm.facts["device"],
        "load_s": round(load_s, 2),
        "steps": planned.num_inference_steps,
        "grid_alone_s": round(alone_s, 3),
        "step_alone_ms": round(1000 * alone_s / planned.num_inference_steps, 2),
        "slots": settings.slots,
        "grids_a_minute_alone": round(60 / alone_s, 1),
        "grids_a_minute_together": round(60 * settings.slots / together_s, 1),
    }


def _drawn(engine: Engine, requests: list[Request], times: int) -> float:
    """Seconds until all are drawn, at the median; the first time does not count."""
    taken = []
    for _ in range(times + 1):
        begun = time.perf_counter()
        tickets = [engine.submit(request) for request in requests]
        for ticket in tickets:
            ticket.result()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken[1:])
