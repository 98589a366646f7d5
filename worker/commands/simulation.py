"""`trace` and `simulate`: what this traffic, or one's own, would wait for on other hardware."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from exchange.answering import AsJson, answer
from exchange.settings import read_settings
from worker.process import open_checked_store
from worker.settings import WorkerSettings

app = typer.Typer(help="Traces of traffic, for `simulate`.", no_args_is_help=True)


@app.command("generate")
def generate_trace(
    file: Annotated[Path, typer.Argument(help="where to write the trace (CSV)")],
    users: Annotated[int, typer.Option(min=1, help="people online")] = 300,
    gpus: Annotated[int, typer.Option(min=1, help="GPUs that the traffic is meant for")] = 4,
    hours: Annotated[float, typer.Option(min=0.001, help="how long it lasts")] = 1.0,
    load: Annotated[float, typer.Option(min=0.01, help="share of the GPUs' time it takes; above 1 is too much")] = 0.9,
    pressed: Annotated[float, typer.Option(min=0, max=1, help="share of jobs that answer a press")] = 0.3,
    seed: Annotated[int, typer.Option(help="the same seed gives the same trace")] = 1,
    as_json: AsJson = False,
) -> None:
    """Write a trace with the shape of public traffic, for `simulate`."""
    from worker.traces import generate, write_trace

    arrivals = list(generate(users=users, gpus=gpus, hours=hours, load=load, seed=seed, pressed=pressed))
    write_trace(file, arrivals)
    answer({"file": str(file), "jobs": len(arrivals)}, f"{len(arrivals)} jobs: {file}", as_json)


@app.command("export")
def export_trace(
    file: Annotated[Path, typer.Argument(help="where to write the trace (CSV)")],
    hours: Annotated[float, typer.Option(min=0.001, help="how far back it goes")] = 24.0,
    as_json: AsJson = False,
) -> None:
    """Write a trace of this service's own traffic, from the records of its pictures; people become numbers."""
    from worker.traces import exported, write_trace

    settings = read_settings(WorkerSettings)
    arrivals = exported(open_checked_store(settings), since_ms=int((time.time() - hours * 3600) * 1000))
    write_trace(file, arrivals)
    users = len({arrival.user for arrival in arrivals})
    words = f"{len(arrivals)} jobs of {users} people in the last {hours:g} hours: {file}"
    answer({"file": str(file), "jobs": len(arrivals), "users": users}, words, as_json)


def simulate(
    trace: Annotated[Path, typer.Option(help="CSV: arrival_s,user,images,pixels,steps,seconds[,speed,pressed]")],
    gpus: Annotated[int, typer.Option(min=1, help="GPUs to serve it with")] = 4,
    policy: Annotated[str, typer.Option(help="fair (what runs here) or fifo")] = "fair",
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Replay a trace through the real queue in virtual time: waits, fairness, and what one more GPU is worth."""
    from worker.simulation import compare
    from worker.simulation import describe as describe_simulation
    from worker.traces import read_trace

    if policy not in ("fair", "fifo"):
        raise typer.BadParameter("the policies are fair and fifo", param_hint="--policy")
    now, more = compare(read_trace(trace), gpus, policy)  # type: ignore[arg-type]  # checked above
    document = {"now": now.document(), "one_more": more.document()}
    typer.echo(json.dumps(document) if as_json else describe_simulation(now, more))
