"""What a worker process is wired of: engines, poster, intake and delivery, and how it takes jobs until its end.

Nothing here imports torch until a process is about to load its model: `deliver` and supervisors stay small.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import redis
import structlog

from contract.catalogue import Catalogue
from contract.endpoints import Endpoints, discord_endpoints
from contract.errors import UserError
from contract.events import Observer, Stage
from exchange.catalogue import open_catalogue
from exchange.connection import RedisUnavailable
from exchange.doctor.findings import Unfit
from exchange.drains import places_of
from exchange.images import ImageStore, StoreUnavailable, open_store
from exchange.metrics import watch
from exchange.observing import all_of, log_event, timed
from exchange.settings import SettingsError
from exchange.tracing import tracers
from exchange.weather import Weather
from worker import tasks
from worker.retention import Retention
from worker.settings import WorkerSettings
from worker.signals import Signals
from worker.supervisor import DEVICE_VARIABLE, EXIT_HOPELESS, NAME_VARIABLE, NoSuchDevice, devices
from worker.vitals import Vitals

if TYPE_CHECKING:
    from worker.delivery.ending import Delivery
    from worker.delivery.poster import Poster
    from worker.engines import Engines, Warm
    from worker.intake import Intake
    from worker.screening import Screen
    from worker.slots import SlotPool

log = structlog.get_logger("worker")

REACH_EVERY_S = 1.0
T = TypeVar("T")


def open_engines(
    settings: WorkerSettings, catalogue: Catalogue, offered: Sequence[str], device: str, observe: Observer
) -> Engines:
    """The offered models, the first of them warm, and those tried once that are new here. Takes seconds of imports, so
    it comes before any slot. ModelError that names the model that cannot draw."""
    from model.imports import collector_resting

    with collector_resting():
        from worker.engines import Engines
        from worker.loading import Loader
        from worker.tried import Tried

    dtype = None if settings.dtype == "auto" else settings.dtype
    kept = Path(settings.state_folder)
    loader = Loader(
        catalogue,
        device,
        dtype=dtype,
        source=settings.model_source,
        graphs=kept / "graphs",
        room=settings.room,
        tried=Tried(kept / "tried"),
    )

    def load(name: str) -> Warm:
        with timed(observe, Stage.LOAD, model=name):
            return loader.load(name)

    engines = Engines(offered, load, max_pixels=settings.max_pixels, resident=settings.resident)
    engines.open([name for name in offered[1:] if not loader.has_tried(name)])
    return engines


@contextmanager
def hopeless() -> Iterator[None]:
    """Tell the supervisor that starting again cannot help: the model is missing or damaged, the token unknown."""
    from model.errors import ModelError  # brings torch
    from worker.delivery.poster import BadToken  # brings discord.py

    try:
        yield
    except (ModelError, BadToken, Unfit) as error:
        print(f"easel-worker: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(EXIT_HOPELESS)


def open_poster(settings: WorkerSettings, observe: Observer) -> Poster:
    """A poster with a token that Discord knows, unless Discord is away for now."""
    from worker.delivery.door import Unavailable
    from worker.delivery.poster import BadToken, Poster

    poster = Poster(
        settings.require_token(), endpoints(settings), patience_s=settings.delivery_patience_s, observe=observe
    )
    try:
        poster.login()
    except BadToken:
        poster.close()
        raise
    except Unavailable as error:
        log.warning("Discord does not answer yet; deliveries will try again", reason=str(error))
    return poster


def open_screen(client: redis.Redis, observe: Observer) -> Screen:
    """What looks at pictures; without a classifier it lets nothing through that would have to be looked at."""
    from worker.screening import Screen, open_classifier

    return Screen(open_classifier(), client, observe=observe)


def open_intake(settings: WorkerSettings, store: ImageStore, screen: Screen) -> Intake:
    """What reads the pictures behind links; those of a stand-in for Discord are trusted."""
    from worker.intake import Intake
    from worker.reading import Reading

    stand_in = endpoints(settings)
    trusted = {stand_in.api_base} if stand_in else set()
    return Intake(store, partial(Reading, trusted=trusted, contact=settings.contact), screen)


def open_delivery(
    settings: WorkerSettings,
    client: redis.Redis,
    store: ImageStore,
    poster: Poster,
    catalogue: Catalogue,
    observe: Observer,
    screen: Screen,
) -> Delivery:
    from worker.delivery.discord import DiscordDoor
    from worker.delivery.door import Door
    from worker.delivery.ending import Delivery
    from worker.delivery.program import ProgramDoor

    limit_bytes, signer = settings.upload_limit_bytes, settings.signer()
    door = DiscordDoor(
        poster, upload_limit_bytes=limit_bytes, catalogue=catalogue, signer=signer, animations=settings.animations
    )
    secret = settings.api_secret.get_secret_value() if settings.api_secret else None
    doors: dict[str, Door] = {"discord": door, "program": ProgramDoor(client, secret)}
    return Delivery(doors, store, client, catalogue, screen=screen, observe=observe)


def observer(settings: WorkerSettings, port: int | None = None, vitals: Vitals | None = None) -> Observer:
    """The log, and metrics and traces where they are wanted."""
    metrics = watch(settings, store=settings.image_store, port=port, vitals=vitals)
    return all_of(log_event, *([] if metrics is None else [metrics]), *tracers("easel-worker"))


def work(
    settings: WorkerSettings,
    client: redis.Redis,
    store: ImageStore,
    pool: SlotPool,
    tools: tasks.Tools,
    poster: Poster | None = None,
) -> None:
    """Take jobs until SIGTERM or SIGINT, then drain; one that asks for haste hands everything back at once."""
    tasks.equip(tools)
    signals = Signals()

    def hurry() -> None:
        signals.wait_for_haste(supervised=bool(process_name()))
        log.info("ending at once")
        pool.hand_back()
        if poster is not None:
            poster.close()

    retention = Retention(store, client, settings.retention_days)
    if settings.retention_days:
        retention.start()
    pool.start()
    log.info("ready", worker=pool.name, slots=pool.serves)
    signals.wait()
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


def process_name() -> str:
    """What the supervisor calls this process; empty when it was started by hand."""
    return os.environ.get(NAME_VARIABLE, "")


def own_places() -> tuple[str, ...]:
    """Where this process is: its host, and the device that the supervisor gave it."""
    return places_of(own_device())


def own_device() -> str:
    """The device that the supervisor gave this process, such as `0` or `cpu`; empty when it was started by hand."""
    return os.environ.get(DEVICE_VARIABLE, "")


def open_checked_store(settings: WorkerSettings) -> ImageStore:
    """An image store that took a file and gave it back."""
    store = open_store(settings.image_store)
    store.check()
    return store


def patiently(what: str, reach: Callable[[], T]) -> T:
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


def offer(settings: WorkerSettings) -> tuple[Catalogue, tuple[str, ...]]:
    """What is on offer, and the models of it that this process draws with, the one to begin with first."""
    catalogue = open_catalogue(settings.catalogue, commercial=settings.commercial)
    try:
        names = settings.models_of(catalogue)
    except UserError as error:
        offered = ", ".join(model.name for model in catalogue)
        raise SettingsError(
            f"MODEL names {error.values.get('model')}, which the catalogue does not have; it has {offered}"
        ) from None
    if settings.model_source and len(names) > 1:
        raise SettingsError(
            "MODEL_SOURCE says where one model lies, but MODEL names several: "
            "give each its source in the catalogue and leave MODEL_SOURCE out"
        )
    return catalogue, names


def endpoints(settings: WorkerSettings) -> Endpoints | None:
    return discord_endpoints(settings.discord_api_base, allow_remote=settings.discord_allow_remote_api)


def devices_of(settings: WorkerSettings, gpus: str | None) -> list[str]:
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
