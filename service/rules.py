"""What those who manage a server allow there: channels, models, newcomers, words, pictures. Kept with its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from contract.errors import UserError
from contract.moderation import NOTHING, Weighed, read_weighed
from exchange import preferences
from service.asker import Asker
from service.budget import promptly
from service.policy import audit, shown, who
from service.services import Services

RULE = "rule:"
CHANNELS, MODELS, NEWCOMERS, BLOCKED = "rule:channels", "rule:models", "rule:newcomers", "rule:blocked"
PICTURES, REVIEW = "rule:pictures", "rule:review"


@dataclass(frozen=True, slots=True)
class Newcomers:
    """Members of fewer than `days` days: where they may work (None: anywhere), and how many jobs at a time (0: any)."""

    days: int
    channel_id: int | None = None
    jobs: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """A server's rules. Empty `channels` and `models` allow all. `blocked` are entries of a list of words, `pictures`
    is what follows when a picture is for adults, and `review_channel` is where appeals against both go."""

    channels: tuple[int, ...] = ()
    models: tuple[str, ...] = ()
    newcomers: Newcomers | None = None
    blocked: tuple[str, ...] = ()
    pictures: Weighed = NOTHING
    review_channel: int | None = None


def read_rules(settings: Mapping[str, Any], of_channel: Mapping[str, Any] = MappingProxyType({})) -> Rules:
    """The rules among a server's settings, and a channel's own words beside them. What makes no sense counts as not
    set."""
    newcomers, review = settings.get(NEWCOMERS), settings.get(REVIEW)
    blocked = [*_list(settings.get(BLOCKED)), *_list(of_channel.get(BLOCKED))]
    return Rules(
        channels=tuple(id for id in _list(settings.get(CHANNELS)) if isinstance(id, int)),
        models=tuple(name for name in _list(settings.get(MODELS)) if isinstance(name, str)),
        newcomers=_newcomers(newcomers) if isinstance(newcomers, dict) else None,
        blocked=tuple(word for word in blocked if isinstance(word, str) and word),
        pictures=_weighed(settings.get(PICTURES)),
        review_channel=review if isinstance(review, int) else None,
    )


async def rules_of(services: Services, asker: Asker) -> Rules:
    """The rules of the server that the asker manages. UserError `not_a_manager` for everybody else."""
    guild_id = _managed(asker)
    async with promptly():
        return read_rules(await services.preferences.all(preferences.guild(guild_id)))


async def rules_here(services: Services, asker: Asker) -> Rules:
    """The rules that hold where the asker is: those of the server and of the channel."""
    if asker.guild_id is None:
        return Rules()
    scopes = [preferences.guild(asker.guild_id)]
    if asker.channel_id is not None:
        scopes.append(preferences.channel(asker.channel_id))
    async with promptly():
        return read_rules(*await services.preferences.layers(scopes))


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
    await audit(services, who(asker), "rule", scope.replace(":", " "), _said(name, value))


async def set_allowed(
    services: Services, asker: Asker, name: str, item: int | str, allowed: bool
) -> Sequence[int | str]:
    """Put an item on one of the server's lists (`CHANNELS`, `MODELS`) or take it off; an empty one allows all. What is
    on it then. UserError as `set_for_server`."""
    guild_id = _managed(asker)

    def changed(present: Any) -> list[int | str] | None:
        return [other for other in _list(present) if other != item] + ([item] if allowed else []) or None

    async with promptly():
        listed = await services.preferences.change(preferences.guild(guild_id), name, changed)
    await audit(services, who(asker), "rule", f"guild {guild_id}", _said(name, listed))
    return listed or ()


def _said(name: str, value: Any) -> str:
    """A rule or a default as the audit has it: `blocked: gore, nude`, `newcomers: days 7, jobs 1`, `suffix: unset`."""
    match value:
        case None:
            words = "unset"
        case list() | dict() if not value:
            words = "unset"
        case list():
            words = ", ".join(map(str, value))
        case dict():
            words = ", ".join(f"{key} {one}" for key, one in value.items() if one)
        case _:
            words = shown(value)
    return f"{name.removeprefix(RULE)}: {words}"


def _managed(asker: Asker) -> int:
    if asker.guild_id is None or not asker.manages:
        raise UserError("not_a_manager")
    return asker.guild_id


def _newcomers(value: Mapping[str, Any]) -> Newcomers | None:
    days, channel_id, jobs = value.get("days"), value.get("channel"), value.get("jobs")
    if not isinstance(days, int) or days < 1:
        return None
    return Newcomers(days, channel_id if isinstance(channel_id, int) else None, jobs if isinstance(jobs, int) else 0)


def _weighed(value: object) -> Weighed:
    try:
        return read_weighed(value) if isinstance(value, str) else NOTHING
    except UserError:
        return NOTHING


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
