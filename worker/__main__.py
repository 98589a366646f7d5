"""The operator's command line, and the one place that wires a worker process together.

Nothing here imports torch until a process is about to load its model: `status`, `deliver` and supervisors stay small.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import redis
import structlog
import typer

from contract.catalogue import Catalogue
from contract.endpoints import Endpoints, discord_endpoints
from contract.errors import EaselError, UserError
from contract.events import Observer
from contract.sentences import describe
from exchange import keys
from exchange.catalogue import open_catalogue
from exchange.connection import RedisUnavailable, connect_briefly
from exchange.images import ImageStore, StoreUnavailable, open_store
from exchange.logs import configure_logs
from exchange.metrics import watch
from exchange.observing import all_of, log_event
from exchange.settings import SettingsError, read_settings
from exchange.status import describe_status, read_status
from exchange.weather import Weather
from worker import tasks
from worker.commands import keys as keys_commands
from worker.commands import models as models_commands
from worker.commands.shared import open_redis
from worker.retention import Retention
from worker.retention import prune as prune_store
from worker.settings import WorkerSettings
from worker.supervisor import (
    EXIT_CONFIGURATION,
    EXIT_HOPELESS,
    NAME_VARIABLE,
    NoSuchDevice,
    Supervisor,
    devices,
    follow_parent,
)

if TYPE_CHECKING:
    from worker.delivery.ending import Delivery
    from worker.delivery.poster import Poster
    from worker.engines import Engines
    from worker.intake import Intake
    from worker.slots import SlotPool

log = structlog.get_logger("worker")
app = typer.Typer(
    help="Draws Easel's pictures and posts them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(keys_commands.app, name="keys")
app.command("check")(models_commands.check)

GPU_HANGS_AFTER_S, CPU_HANGS_AFTER_S = 60.0, 600.0
"""A step takes well under a second on a card; on a processor a large model's may take minutes."""
REACH_EVERY_S = 1.0
T = TypeVar("T")


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
    _endpoints(settings)
    _offer(settings)
    _store(settings)
    client = open_redis(settings)
    if slots is not None:
        os.environ["SLOTS"] = str(slots)

    on_these = _devices(settings, gpus)

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
        _patiently("Redis", lambda: open_redis(settings)),
        _patiently("the store", lambda: _store(settings)),
    )
    catalogue, offered = _offer(settings)
    with _hopeless():
        poster = _poster(settings)
        engines = _engines(settings, catalogue, offered, device)
    from worker.pictures import Studio
    from worker.slots import SlotPool

    intake = _intake(settings, store)
    observe = _observer(settings, client, metrics_port)
    # A drawing must not wait for a Redis that is away: what it would say by then is old.
    news = connect_briefly(settings.redis_url.get_secret_value()) if settings.redis_url else client
    studio = Studio(engines, store, news, catalogue, intake, signer=settings.signer(), observe=observe)
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
        describe=engines.facts,
        name=_name(),
    )
    delivery = _delivery(settings, client, store, poster, catalogue, observe)
    _work(settings, client, store, pool, tasks.Tools(client, studio, delivery, intake), poster)
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
    client, store = open_redis(settings), _store(settings)
    from worker.slots import SlotPool

    serves = {keys.INTAKE: slots or settings.intake_slots}
    pool = SlotPool(client, serves, describe=lambda: {"brings_in": "only"}, name=_name())
    _work(settings, client, store, pool, tasks.Tools(client, intake=_intake(settings, store)))


@app.command()
def deliver(
    slots: Annotated[int | None, typer.Option(min=1, max=64, help="messages posted at the same time")] = None,
) -> None:
    """Only deliver: needs no GPU, no torch and no model."""
    settings = read_settings(WorkerSettings)
    configure_logs(settings.log_format, settings.log_level)
    client, store = open_redis(settings), _store(settings)
    poster = _poster(settings)
    catalogue, _ = _offer(settings)
    from worker.slots import SlotPool

    serves = {keys.DELIVER: slots or settings.delivery_slots}
    pool = SlotPool(client, serves, describe=lambda: {"delivers": "only"}, name=_name())
    delivery = _delivery(settings, client, store, poster, catalogue, _observer(settings, client))
    _work(settings, client, store, pool, tasks.Tools(client, delivery=delivery), poster)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Show queues and workers."""
    settings = read_settings(WorkerSettings)
    now = read_status(open_redis(settings))
    typer.echo(json.dumps(now.document()) if as_json else describe_status(now))


@app.command()
def resume() -> None:
    """Try again at once what was left alone: devices whose process kept dying, models that kept failing."""
    settings = read_settings(WorkerSettings)
    open_redis(settings).incr(keys.resumed())
    typer.echo("Every device and model that was left alone is tried again now.")


@app.command()
def prune(
    days: Annotated[float | None, typer.Option(min=0, help="age in days. Default: RETENTION_DAYS")] = None,
) -> None:
    """Delete pictures and records that nobody touched for so many days. Buttons under them keep working."""
    settings = read_settings(WorkerSettings)
    age = settings.retention_days if days is None else days
    if days is None and not age:
        raise SettingsError("RETENTION_DAYS is not set, so pictures are kept for ever; --days deletes older ones once")
    count = prune_store(_store(settings), age)
    typer.echo(f"Deleted the pictures of {count} jobs.")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="a picture that Easel made: PNG, JPEG or WebP")],
    again: Annotated[bool, typer.Option("--redraw/--no-redraw", help="draw it again from the file alone")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Say what made a picture, whether it was changed since, and whether it can be drawn again from itself.

    Exit status 0 when all is as it should be, 1 when it is not, 2 when it cannot be told.
    """
    from worker import verifying
    from worker.loading import Loader
    from worker.recipes import read_recipe
    from worker.signing import Verdict

    settings = read_settings(WorkerSettings)
    configure_logs(settings.log_format, "error")
    signer = settings.signer()
    found = verifying.open_file(file)
    credentials = found.credentials(signer.chain if signer is not None else None)
    whole = credentials.verdict in (Verdict.TRUSTED, Verdict.VALID)
    redrawn = None
    if again and whole and credentials.recipe is not None:
        recipe = read_recipe(credentials.recipe)
        catalogue = open_catalogue(settings.catalogue, commercial=settings.commercial)
        device = _devices(settings, None)[0]
        device = "cuda" if device.isdigit() else device
        loader = Loader(catalogue, device, source=settings.model_source, graphs=Path(settings.state_folder) / "graphs")
        redrawn = verifying.compare(found, verifying.redraw(recipe, catalogue, loader), recipe)
    as_document = verifying.document(credentials, redrawn)
    typer.echo(json.dumps(as_document) if as_json else verifying.sentences(credentials, redrawn))
    raise typer.Exit(0 if whole and (redrawn is None or redrawn.same) else 1)


@app.command()
def trace(
    file: Annotated[Path, typer.Argument(help="where to write the trace (CSV)")],
    users: Annotated[int, typer.Option(min=1, help="people online")] = 300,
    gpus: Annotated[int, typer.Option(min=1, help="GPUs that the traffic is meant for")] = 4,
    hours: Annotated[float, typer.Option(min=0.001, help="how long it lasts")] = 1.0,
    load: Annotated[float, typer.Option(min=0.01, help="share of the GPUs' time it takes; above 1 is too much")] = 0.9,
    pressed: Annotated[float, typer.Option(min=0, max=1, help="share of jobs that answer a press")] = 0.3,
    seed: Annotated[int, typer.Option(help="the same seed gives the same trace")] = 1,
) -> None:
    """Write a trace with the shape of public traffic, for `simulate`."""
    from worker.traces import generate, write_trace

    write_trace(file, generate(users=users, gpus=gpus, hours=hours, load=load, seed=seed, pressed=pressed))


@app.command()
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


def _engines(settings: WorkerSettings, catalogue: Catalogue, offered: Sequence[str], device: str) -> Engines:
    """The offered models, the first of them warm. Takes seconds of imports, so it comes before any slot."""
    from worker.engines import Engines
    from worker.loading import Loader

    dtype = None if settings.dtype == "auto" else settings.dtype
    loader = Loader(
        catalogue, device, dtype=dtype, source=settings.model_source, graphs=Path(settings.state_folder) / "graphs"
    )
    engines = Engines(offered, loader.load, max_pixels=settings.max_pixels)
    engines.open()
    return engines


@contextmanager
def _hopeless() -> Iterator[None]:
    """Tell the supervisor that starting again cannot help: the model is missing or damaged, the token unknown."""
    from model.errors import ModelError  # brings torch
    from worker.delivery.poster import BadToken  # brings discord.py

    try:
        yield
    except (ModelError, BadToken) as error:
        _give_up(str(error), EXIT_HOPELESS)


def _poster(settings: WorkerSettings) -> Poster:
    """A poster with a token that Discord knows, unless Discord is away for now."""
    from worker.delivery.door import Unavailable
    from worker.delivery.poster import BadToken, Poster

    poster = Poster(settings.require_token(), _endpoints(settings), patience_s=settings.delivery_patience_s)
    try:
        poster.login()
    except BadToken:
        poster.close()
        raise
    except Unavailable as error:
        log.warning("Discord does not answer yet; deliveries will try again", reason=str(error))
    return poster


def _intake(settings: WorkerSettings, store: ImageStore) -> Intake:
    """What reads the pictures behind links; those of a stand-in for Discord are trusted."""
    from worker.intake import Intake
    from worker.reading import Reading

    stand_in = _endpoints(settings)
    trusted = {stand_in.api_base} if stand_in else set()
    return Intake(store, partial(Reading, trusted=trusted, contact=settings.contact))


def _delivery(
    settings: WorkerSettings,
    client: redis.Redis,
    store: ImageStore,
    poster: Poster,
    catalogue: Catalogue,
    observe: Observer,
) -> Delivery:
    from worker.delivery.discord import DiscordDoor
    from worker.delivery.door import Door
    from worker.delivery.ending import Delivery
    from worker.delivery.program import ProgramDoor

    limit_bytes, signer = settings.upload_limit_bytes, settings.signer()
    door = DiscordDoor(poster, upload_limit_bytes=limit_bytes, catalogue=catalogue, signer=signer)
    secret = settings.api_secret.get_secret_value() if settings.api_secret else None
    doors: dict[str, Door] = {"discord": door, "program": ProgramDoor(client, secret)}
    return Delivery(doors, store, client, catalogue, observe=observe)


def _observer(settings: WorkerSettings, client: redis.Redis, port: int | None = None) -> Observer:
    """The log, and the metrics where they are wanted."""
    metrics = watch(settings, client, store=settings.image_store, port=port)
    return log_event if metrics is None else all_of(log_event, metrics)


def _work(
    settings: WorkerSettings,
    client: redis.Redis,
    store: ImageStore,
    pool: SlotPool,
    tools: tasks.Tools,
    poster: Poster | None = None,
) -> None:
    """Take jobs until SIGTERM or SIGINT, then drain; a second signal hands everything back at once."""
    tasks.equip(tools)
    # Its `put` may interrupt itself, which a signal's handler does sooner or later; an Event would lock up for good.
    signals: SimpleQueue[int] = SimpleQueue()

    def on_signal(number: int, frame: FrameType | None) -> None:
        signals.put(number)

    def hurry() -> None:
        signals.get()
        pool.hand_back()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    retention = Retention(store, client, settings.retention_days)
    if settings.retention_days:
        retention.start()
    pool.start()
    log.info("ready", worker=pool.name, slots=pool.serves)
    signals.get()
    threading.Thread(target=hurry, name="second-signal", daemon=True).start()
    log.info("draining", running=len(pool.leases()), grace_s=settings.drain_s)
    retention.stop()
    if poster is None:
        ended = pool.drain(settings.drain_s)
    else:
        # What still waits for Discord when the grace is over gives up, so that the job goes back in time.
        give_up = threading.Timer(settings.drain_s, poster.close)
        give_up.daemon = True
        give_up.start()
        ended = pool.drain(settings.drain_s)
        give_up.cancel()
        poster.close()
    log.info("ended", handed_back=not ended)


def _name() -> str:
    """What the supervisor calls this process; empty when it was started by hand."""
    return os.environ.get(NAME_VARIABLE, "")


def _store(settings: WorkerSettings) -> ImageStore:
    """An image store that took a file and gave it back."""
    store = open_store(settings.image_store)
    store.check()
    return store


def _patiently(what: str, reach: Callable[[], T]) -> T:
    """`reach`, as soon as it can be had: a child that ended instead would load its model for each try."""
    weather = Weather(what)
    while True:
        try:
            found = reach()
        except (RedisUnavailable, StoreUnavailable) as error:
            weather.bad(error)
            time.sleep(REACH_EVERY_S)
        else:
            weather.good()
            return found


def _offer(settings: WorkerSettings) -> tuple[Catalogue, tuple[str, ...]]:
    """What is on offer, and the models of it that this process draws with, the one to begin with first."""
    catalogue = open_catalogue(settings.catalogue, commercial=settings.commercial)
    names = settings.models_of(catalogue)
    if settings.model_source and len(names) > 1:
        raise SettingsError(
            "MODEL_SOURCE says where one model lies, but MODEL names several: "
            "give each its source in the catalogue and leave MODEL_SOURCE out"
        )
    return catalogue, names


def _endpoints(settings: WorkerSettings) -> Endpoints | None:
    return discord_endpoints(settings.discord_api_base, allow_remote=settings.discord_allow_remote_api)


def _devices(settings: WorkerSettings, gpus: str | None) -> list[str]:
    """The devices to serve: what `--gpus` says, else DEVICE, else every GPU there is, else the processor."""
    if gpus is not None:
        return devices(gpus)
    kind, _, index = settings.device.partition(":")
    match kind:
        case "auto":
            try:
                return devices("all")
            except NoSuchDevice:
                return ["cpu"]
        case "cuda":
            return devices(index or "all")
        case _:
            return [kind]


def main() -> None:
    """Run the command line. What the operator can mend is one sentence and exit status 2, never a traceback."""
    try:
        app()
    except UserError as error:
        _give_up(": ".join(describe(error)))
    except EaselError as error:
        _give_up(str(error))


def _give_up(sentence: str, status: int = EXIT_CONFIGURATION) -> NoReturn:
    print(f"easel-worker: {sentence}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
