"""What the bot works with, built once in `bot.process` and handed to the client; tests hand in others."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.settings import BotSettings
from contract.catalogue import DEFAULT_CATALOGUE, Catalogue
from exchange.accounts import Accounts
from exchange.images import ImageStore
from exchange.preferences import Preferences
from exchange.queue import JobQueue


@dataclass(frozen=True, slots=True)
class Services:
    """The exchange as the bot sees it, and what the operator offers."""

    settings: BotSettings
    queue: JobQueue
    images: ImageStore
    preferences: Preferences
    accounts: Accounts
    catalogue: Catalogue = field(default=DEFAULT_CATALOGUE)
