"""Old pictures go, young ones stay, and the fleet does it once a day."""

from __future__ import annotations

import os
import time

import redis

from exchange.images import FolderStore
from tests.contract.factories import imagine
from tests.worker.conftest import keep_pictures
from worker.retention import DAY_S, Retention, prune


def aged(store: FolderStore, interaction: int, days: float) -> str:
    """A job whose pictures were written so many days ago."""
    job = imagine(interaction=interaction)
    keep_pictures(store, job)
    moment = time.time() - days * DAY_S
    os.utime(store.root / job.id[:2] / job.id, (moment, moment))
    return job.id


def test_only_what_is_old_enough_goes(store: FolderStore) -> None:
    """Thirty-one days against thirty."""
    old, young = aged(store, 1, 31), aged(store, 2, 29)
    assert prune(store, 30, dry=True) == 1
    assert prune(store, 30) == 1
    assert not (store.root / old[:2] / old).exists()
    assert (store.root / young[:2] / young / "0.png").exists()
    assert prune(store, 30) == 0


def test_an_empty_store_is_no_trouble(store: FolderStore) -> None:
    """Its folder may not even exist yet."""
    assert prune(store, 1) == 0


def test_the_fleet_prunes_once_a_day(store: FolderStore, client: redis.Redis) -> None:
    """Of many processes one does it, and none again before the next day."""
    aged(store, 1, 31)
    processes = [Retention(store, client, 30) for _ in range(3)]
    assert [process.look() for process in processes] == [1, None, None]
    client.delete("easel:pruned")
    assert processes[2].look() == 0


def test_the_thread_looks_at_once_and_ends_when_told(store: FolderStore, client: redis.Redis) -> None:
    """A worker that is restarted every hour prunes as well."""
    old = aged(store, 1, 31)
    thread = Retention(store, client, 30)
    thread.stop()
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert not (store.root / old[:2] / old).exists()
