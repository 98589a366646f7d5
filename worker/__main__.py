"""The worker's part of the command line. A process that draws, brings in or delivers starts here; the rest of the
commands stand in `worker.commands`.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Annotated

import typer

from exchange import keys
from exchange.answering import run_app
from exchange.connection import connect_briefly
from exchange.logs import configure_logs
from exchange.opening import open_redis
from exchange.settings import SettingsError, read_settings
from worker import doctor, process, tasks
from worker.commands import bench, models, offer, pictures, simulation
from worker.commands import keys as keys_commands
from worker.settings import WorkerSettings
from worker.supervisor import Supervisor, follow_parent
from worker.vitals import vitals_of

app = typer.Typer(
    help="Draws Easel's pictures and posts them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

GPU_HANGS_AFTER_S, CPU_HANGS_AFTER_S = 60.0, 600.0
"""A step takes well under a second on a card; on a processor a large model's may take minutes."""


@app.command()
def start(
    gpus: Annotated[
        str | None, typer.Option(help="all, cpu, or indices such as 0,1. Default: what DEVICE says")
    ] = None,
    slots: Annotated[int | None, typer.Option(min=1, max=64, help="jobs drawn together on each device")] = None,
) -> None:
    """Bring in, draw and deliver: one process per device, each with one model loaded at a time."""
    settings = read_settings(WorkerSettings)
    configure_logs(settings.log_format, settings.log_level)
    settings.require_token()
    if find_spec("torch") is None:
        raise SettingsError('this install only delivers; `pip install ".[worker]"` adds torch and all that draws')
    process.endpoints(settings)
    process.offer(settings)
    client = open_redis(settings, patient=True)
    doctor.at_start(settings, client)
    if slots is not None:
        os.environ["SLOTS"] = str(slots)

    on_these = process.devices_of(settings, gpus)

    def command(device: str) -> list[str]:
        arguments = [sys.executable, "-m", "worker", "serve", "--device", "cuda" if device.isdigit() else device]
        if settings.metrics_port:
            arguments += ["--metrics-port", str(settings.metrics_port + on_these.index(device))]
        return arguments

    supervisor = Supervisor(client, on_these, command, grace_s=settings.drain_s)
    raise typer.Exit(supervisor.run())


@app.command(hidden=True)
def serve(
    device: Annotated[str, typer.Option(help="cpu, cuda or mps")] = "cpu",
    metrics_port: Annotated[int | None, typer.Option(help="port of /metrics, if not METRICS_PORT")] = None,
) -> None:
    """One process of `start`: loads its first model, then takes jobs."""
    settings = read_settings(WorkerSettings)
    configure_logs(settings.log_format, settings.log_level)
    follow_parent()
    client, store = (
        process.patiently("Redis", lambda: open_redis(settings)),
        process.patiently("the store", lambda: process.open_checked_store(settings)),
    )
    catalogue, offered = process.offer(settings)
    vitals = vitals_of(process.own_device())
    observe = process.observer(settings, metrics_port, vitals)
    with process.hopeless():
        doctor.before_loading(settings)
        poster = process.open_poster(settings, observe)
        engines = process.open_engines(settings, catalogue, offered, device, observe)
    from worker.pictures import Studio
    from worker.slots import SlotPool

    screen = process.open_screen(client, observe)
    intake = process.open_intake(settings, store, screen)
    # A drawing must not wait for a Redis that is away: what it would say by then is old.
    news = connect_briefly(settings.redis_url.get_secret_value()) if settings.redis_url else client
    studio = Studio(engines, store, news, catalogue, intake, signer=settings.signer(), screen=screen, observe=observe)
    slots = {
        keys.INTAKE: settings.intake_slots,
        keys.RENDER: settings.slots,
        keys.DELIVER: settings.delivery_slots,
    }
    hung_after_s = CPU_HANGS_AFTER_S if device == "cpu" else GPU_HANGS_AFTER_S
    pool = SlotPool(
        client,
        slots,
        wants=engines.wants,
        refuse=engines.refuse,
        forgive=engines.forgive,
        hung=studio.owed_s,
        hung_after_s=hung_after_s,
        describe=lambda: {**engines.facts(), **vitals()},
        name=process.process_name(),
        places=process.own_places(),
    )
    delivery = process.open_delivery(settings, client, store, poster, catalogue, observe, screen)
    process.work(settings, client, store, pool, tasks.Tools(client, studio, delivery, intake, observe), poster)
    engines.close()


@app.command("intake")
def bring_in(
    slots: Annotated[
        int | None, typer.Option(min=1, max=64, help="jobs whose pictures are read at the same time")
    ] = None,
) -> None:
    """Only bring in the pictures that prompts link to: needs the web and the image store, no GPU, token or torch."""
    settings = read_settings(WorkerSettings)
    configure_logs(settings.log_format, settings.log_level)
    client, store = open_redis(settings, patient=True), process.open_checked_store(settings)
    doctor.at_start(settings, client)
    from worker.slots import SlotPool

    serves = {keys.INTAKE: slots or settings.intake_slots}
    pool = SlotPool(
        client, serves, describe=lambda: {"brings_in": "only"}, name=process.process_name(), places=process.own_places()
    )
    observe = process.observer(settings)
    intake = process.open_intake(settings, store, process.open_screen(client, observe))
    process.work(settings, client, store, pool, tasks.Tools(client, intake=intake, observe=observe))


@app.command()
def deliver(
    slots: Annotated[int | None, typer.Option(min=1, max=64, help="messages posted at the same time")] = None,
) -> None:
    """Only deliver: needs no GPU, no torch and no model."""
    settings = read_settings(WorkerSettings)
    configure_logs(settings.log_format, settings.log_level)
    client, store = open_redis(settings, patient=True), process.open_checked_store(settings)
    doctor.at_start(settings, client)
    observe = process.observer(settings)
    poster = process.open_poster(settings, observe)
    catalogue, _ = process.offer(settings)
    from worker.slots import SlotPool

    serves = {keys.DELIVER: slots or settings.delivery_slots}
    pool = SlotPool(
        client, serves, describe=lambda: {"delivers": "only"}, name=process.process_name(), places=process.own_places()
    )
    screen = process.open_screen(client, observe)
    delivery = process.open_delivery(settings, client, store, poster, catalogue, observe, screen)
    process.work(settings, client, store, pool, tasks.Tools(client, delivery=delivery, observe=observe), poster)


app.command("prune")(pictures.prune)
app.command("verify")(pictures.verify)
app.command("check")(models.check)
app.command("bench")(bench.bench)
app.add_typer(offer.app, name="models")
app.add_typer(keys_commands.app, name="keys")
app.add_typer(simulation.app, name="trace")
app.command("simulate")(simulation.simulate)


def main() -> None:
    """Run the command line. What the operator can mend is one sentence and a documented exit status, no traceback."""
    run_app(app, "easel-worker")


if __name__ == "__main__":
    main()
