"""What every door works with, built once in its process; tests hand in others."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import redis.asyncio

from contract.catalogue import DEFAULT_CATALOGUE, Catalogue
from contract.events import Observer
from exchange.accounts import Accounts
from exchange.batches import Batches
from exchange.cases import Cases
from exchange.catalogue import open_catalogue
from exchange.images import ImageStore, open_store
from exchange.meanings import Meanings
from exchange.observing import log_event
from exchange.policies import Policies
from exchange.preferences import Preferences
from exchange.queue import JobQueue, Limits
from exchange.quotas import Quotas
from service.background import Background


@dataclass(frozen=True, slots=True)
class Services:
    """The exchange as a door sees it, and what the operator offers."""

    queue: JobQueue
    images: ImageStore
    preferences: Preferences
    accounts: Accounts
    batches: Batches
    policies: Policies
    quotas: Quotas
    cases: Cases
    meanings: Meanings
    catalogue: Catalogue = field(default=DEFAULT_CATALOGUE)
    blocked_words: tuple[str, ...] = ()
    """Entries of the operator's list that stand in the settings; they hold everywhere, direct messages included."""
    observe: Observer = log_event
    """Hears of what happens to jobs here."""
    background: Background = field(default_factory=Background)


async def open_services(
    client: redis.asyncio.Redis,
    *,
    image_store: str,
    catalogue: str = "",
    commercial: bool = False,
    limits: Limits | None = None,
    blocked_words: tuple[str, ...] = (),
    observe: Observer = log_event,
) -> Services:
    """What a door works with, on a Redis that answers and an image store that took a file and gave it back.

    `catalogue` names the file of models, `commercial` says that the server earns money.
    UserError `bad_catalogue` or StoreUnavailable, with what is wrong.
    """
    return Services(
        queue=JobQueue(client, limits),
        images=await asyncio.to_thread(_checked_store, image_store),
        preferences=Preferences(client),
        accounts=Accounts(client),
        batches=Batches(client),
        policies=Policies(client),
        quotas=Quotas(client),
        cases=Cases(client),
        meanings=Meanings(client),
        catalogue=open_catalogue(catalogue, commercial=commercial),
        blocked_words=blocked_words,
        observe=observe,
    )


def _checked_store(location: str) -> ImageStore:
    store = open_store(location)
    store.check()
    return store
