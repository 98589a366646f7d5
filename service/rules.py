"""What those who manage a server allow there: channels, models, newcomers, words. Kept with the server's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.errors import UserError
from exchange import preferences
from service.asker import Asker
from service.budget import promptly
from service.policy import audit, who
from service.services import Services

CHANNELS, MODELS, NEWCOMERS, BLOCKED = "rule:channels", "rule:models", "rule:newcomers", "rule:blocked"


@dataclass(frozen=True, slots=True)
class Newcomers:
    """Members of fewer than `days` days: where they may work (None: anywhere), and how many jobs at a time (0: any)."""

    days: int
    channel_id: int | None = None
    jobs: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """A server's rules. Empty `channels` and `models` allow all; `blocked` words are refused in prompts."""

    channels: tuple[int, ...] = ()
    models: tuple[str, ...] = ()
    newcomers: Newcomers | None = None
    blocked: tuple[str, ...] = ()


def read_rules(settings: Mapping[str, Any]) -> Rules:
    """The rules among a server's settings. What makes no sense counts as not set."""
    newcomers = settings.get(NEWCOMERS)
    return Rules(
        channels=tuple(id for id in _list(settings.get(CHANNELS)) if isinstance(id, int)),
        models=tuple(name for name in _list(settings.get(MODELS)) if isinstance(name, str)),
        newcomers=_newcomers(newcomers) if isinstance(newcomers, dict) else None,
        blocked=tuple(word for word in _list(settings.get(BLOCKED)) if isinstance(word, str) and word),
    )


async def rules_of(services: Services, asker: Asker) -> Rules:
    """The rules of the server that the asker manages. UserError `not_a_manager` for everybody else."""
    guild_id = _managed(asker)
    async with promptly():
        return read_rules(await services.preferences.all(preferences.guild(guild_id)))


async def set_for_server(
    services: Services, asker: Asker, name: str, value: Any, *, channel_id: int | None = None
) -> None:
    """Keep a rule of the server, or a default of the server or one of its channels; None forgets it.

    UserError `not_a_manager` for those who do not manage it, however the server shows them its commands.
    """
    guild_id = _managed(asker)
    scope = preferences.guild(guild_id) if channel_id is None else preferences.channel(channel_id)
    async with promptly():
        await services.preferences.set(scope, name, value)
    await audit(services, who(asker), "rule", scope.replace(":", " "), f"{name} = {value}")


def _managed(asker: Asker) -> int:
    if asker.guild_id is None or not asker.manages:
        raise UserError("not_a_manager")
    return asker.guild_id


def _newcomers(value: Mapping[str, Any]) -> Newcomers | None:
    days, channel_id, jobs = value.get("days"), value.get("channel"), value.get("jobs")
    if not isinstance(days, int) or days < 1:
        return None
    return Newcomers(days, channel_id if isinstance(channel_id, int) else None, jobs if isinstance(jobs, int) else 0)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
