"""What is wrong with the image store."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import redis

from exchange import keys
from exchange.doctor.findings import Finding, broken, risky
from exchange.images import FolderStore, ImageStore, StoreUnavailable, open_store
from exchange.keys import job_of
from exchange.reading import text
from exchange.settings import CommonSettings

ABOUT = "the image store"
ROOM_BYTES = 2 * 2**30
"""About 2,000 grids of 1 MB."""
NO_ROOM_BYTES = 50 * 2**20
LOOKED_AT = 5
"""Jobs drawn lately whose records have to be here."""

_FLEETING = frozenset({"tmpfs", "ramfs", "overlay"})


def store_findings(settings: CommonSettings, client: redis.Redis | None = None) -> Iterator[Finding]:
    """Whether it takes a file and gives it back, has room, stays, and is the one that the others write to.

    StoreUnavailable when it does not work at all.
    """
    store = open_store(settings.image_store)
    store.check()
    if isinstance(store, FolderStore):
        yield from _of_folder(store.root.resolve())
    if client is not None:
        yield from _of_others(store, client)


def _of_folder(root: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(root).free
    if free < NO_ROOM_BYTES:
        yield broken(ABOUT, f"{root} has {free / 2**20:.0f} MiB left: free space there, or set IMAGE_STORE elsewhere.")
    elif free < ROOM_BYTES:
        yield risky(
            ABOUT,
            f"{root} has {free / 2**30:.1f} GiB left, about {free // 1_000_000:,} grids: free space there, or set "
            "RETENTION_DAYS.",
        )
    kind = _filesystem_of(root)
    if kind in _FLEETING:
        yield risky(
            ABOUT,
            f"{root} lies on {kind}, which does not outlive this host's restart or this container: mount a disk.",
        )
    if root.stat().st_mode & stat.S_IWOTH:
        yield risky(ABOUT, f"Everybody on this host may write to {root}: `chmod o-w {root}`.")


def _of_others(store: ImageStore, client: redis.Redis) -> Iterator[Finding]:
    """What was drawn within the hour has a record, unless this is another store than the workers'."""
    finished = keys.ended("finished", keys.RENDER)
    if text(client.type(finished)) != "zset":
        return
    looked_at, found = 0, 0
    for rq_id in client.zrevrange(finished, 0, LOOKED_AT - 1):
        try:
            job_id = job_of(text(rq_id))  # type: ignore[arg-type]  # the client's types know every answer it may give
        except ValueError:
            continue
        looked_at += 1
        try:
            found += store.get_document(job_id) is not None
        except StoreUnavailable:
            raise
        except Exception:  # a record that cannot be read is there
            found += 1
    if looked_at and not found:
        yield risky(
            ABOUT,
            f"None of the last {looked_at} jobs that were drawn is in this store: IMAGE_STORE is another place here "
            "than where the workers write; name one that all processes see.",
        )


def _filesystem_of(folder: Path) -> str:
    """The kind of file system that a folder lies on; empty where the system does not say."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    mounts = [(fields[1], fields[2]) for line in lines if len(fields := line.split()) > 2]
    holding = [(len(place), order, kind) for order, (place, kind) in enumerate(mounts) if folder.is_relative_to(place)]
    return max(holding, default=(0, 0, ""))[2]
