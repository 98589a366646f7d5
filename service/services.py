"""What every door works with, built once in its process; tests hand in others."""

from __future__ import annotations

from dataclasses import dataclass, field

from contract.catalogue import DEFAULT_CATALOGUE, Catalogue
from contract.events import Observer
from exchange.accounts import Accounts
from exchange.batches import Batches
from exchange.images import ImageStore
from exchange.observing import log_event
from exchange.preferences import Preferences
from exchange.queue import JobQueue
from service.background import Background


@dataclass(frozen=True, slots=True)
class Services:
    """The exchange as a door sees it, and what the operator offers."""

    queue: JobQueue
    images: ImageStore
    preferences: Preferences
    accounts: Accounts
    batches: Batches
    catalogue: Catalogue = field(default=DEFAULT_CATALOGUE)
    blocked_words: tuple[str, ...] = ()
    """The operator's, which hold everywhere, direct messages included."""
    observe: Observer = log_event
    """Hears of what happens to jobs here."""
    background: Background = field(default_factory=Background)
