"""What is wrong between the catalogue and the workers that run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from importlib.metadata import version

import redis

from contract.catalogue import Catalogue, Model
from exchange import keys
from exchange.catalogue import open_catalogue
from exchange.doctor.findings import Finding, risky
from exchange.settings import CommonSettings
from exchange.status import read_status

ABOUT = "the catalogue"
SMALLEST_PIXELS = 32 * 32
"""No model draws smaller pictures."""


def offer_findings(settings: CommonSettings, client: redis.Redis) -> Iterator[Finding]:
    """Models that nobody can ask for, that nobody draws, or that are not the same everywhere. UserError
    `bad_catalogue`."""
    catalogue = open_catalogue(settings.catalogue, commercial=settings.commercial)
    for model in catalogue:
        yield from _of_model(catalogue, model)
    yield from _of_workers(catalogue, client)


def _of_model(catalogue: Catalogue, model: Model) -> Iterator[Finding]:
    if not any(catalogue.resolve(version) is model for version in catalogue.offered):
        yield risky(
            ABOUT,
            f"No version means {model.name}: models before it answer to all of its own. It draws only where one is "
            "held at it (easel versions pin) and for programs that name it; or give it a version or alias of its own.",
        )
    if model.pixels < SMALLEST_PIXELS:
        yield risky(
            ABOUT,
            f"Pictures of {model.name} have {model.pixels} pixels, about {model.pixels**0.5:.0f} x "
            f"{model.pixels**0.5:.0f}: pixels are width x height; for 512 x 512 write 262144.",
        )
    is_of_hub = model.source.count("/") == 1 and not model.source.startswith((".", "/", "~"))
    if is_of_hub and model.revision in ("1", "main"):
        yield risky(
            ABOUT,
            f"{model.name} is fetched from {model.source} at whatever revision is newest: pin a commit (revision), or "
            "its pictures change by themselves.",
        )


def _of_workers(catalogue: Catalogue, client: redis.Redis) -> Iterator[Finding]:
    status = read_status(client)
    drawing = status.drawing
    for worker in status.workers:
        if worker.get("state"):
            yield risky("workers", f"{worker.get('name')} is {worker['state']}.")
        if worker.get("refused"):
            yield risky(
                "workers",
                f"{worker.get('place') or worker.get('name')} refuses {worker['refused']}, which failed job after job: "
                "its log says why, `easel reset-breaker` tries again.",
            )
    if not drawing and (number := _database_of_workers(client)) is not None:
        yield risky(
            "workers",
            f"Workers draw for database {number} of this Redis, and REDIS_URL names another: jobs wait here until both "
            "name the same (the number at its end).",
        )
        return
    if not drawing:
        yield risky("workers", "No worker draws now, so jobs wait: `easel start` on a host with a GPU starts one.")
        return
    served = {name for worker in drawing for name in worker["models"].split(",")}
    offered = {model.name for model in catalogue}
    if unserved := sorted(offered - served):
        yield risky(
            ABOUT,
            f"No running worker draws with {', '.join(unserved)}: its jobs would wait; start one with it (MODEL), or "
            "take it out of the catalogue.",
        )
    if strangers := sorted(served - offered - {""}):
        yield risky(
            ABOUT,
            f"Workers draw with {', '.join(strangers)}, which this catalogue does not have: CATALOGUE names another "
            "file there.",
        )
    yield from _of_weights(drawing)
    yield from _of_versions(drawing)


def _of_weights(workers: Sequence[dict[str, str]]) -> Iterator[Finding]:
    """One name has to mean the same weights everywhere."""
    found: dict[str, set[str]] = {}
    for worker in workers:
        if worker.get("fingerprint") and worker.get("loaded"):
            found.setdefault(worker["loaded"], set()).add(worker["fingerprint"])
    for name, fingerprints in sorted(found.items()):
        if len(fingerprints) > 1:
            yield risky(
                ABOUT,
                f"Workers have different weights under the name {name} ({', '.join(sorted(fingerprints))}): the same "
                "seed gives different pictures; `easel models verify` says which differ.",
            )


def _of_versions(workers: Sequence[dict[str, str]]) -> Iterator[Finding]:
    """Workers of another Easel than this one hand jobs back that they do not know."""
    here = version("easel")
    others = {one["version"]: one.get("place") or one.get("name", "") for one in workers if one.get("version")}
    for other, place in sorted(others.items()):
        if other != here:
            yield risky(
                "workers",
                f"{place} runs Easel {other}, and here is {here}: finish the upgrade, or jobs that one of them does "
                "not know wait for the other.",
            )


def _database_of_workers(client: redis.Redis) -> int | None:
    """Another database of the same server in which workers are at work; None without one, or where it is not shown."""
    pool = client.connection_pool
    if type(pool) is not redis.ConnectionPool:
        return None  # of Sentinels
    with suppress(redis.exceptions.RedisError):
        here = pool.connection_kwargs.get("db", 0)
        for name in client.info("keyspace"):
            number = int(name.removeprefix("db"))
            options = {**pool.connection_kwargs, "db": number}
            with closing(redis.ConnectionPool(connection_class=pool.connection_class, **options)) as there:
                found = redis.Redis(connection_pool=there).scan_iter(match=keys.node("*"), count=1000)
                if number != here and next(found, None) is not None:
                    return number
    return None
