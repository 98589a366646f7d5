"""Versions that hold still: pinned by a person, a server or the operator; a change of model is told where it is used.

Who wants a change taken back pins the version to what it meant before, as long as the catalogue has that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from contract.catalogue import Catalogue
from contract.errors import UserError
from contract.jobs import DiscordChannel, Job
from contract.pins import NO_PINS, Holder, Meaning, Pin, Pins
from exchange import preferences
from exchange.meanings import Change, Notice, Place
from service.asker import Asker
from service.budget import promptly
from service.policy import audit
from service.profiles import PIN_PREFIX, Profile, pins_in, set_preferences
from service.rules import set_for_server
from service.services import Services


async def hold(services: Services, asker: Asker, version: str, model: str) -> Meaning:
    """Let a version mean what this model is now, for the asker. UserError as `held_at`."""
    meaning = held_at(services, version, model)
    await set_preferences(services, asker, {PIN_PREFIX + version: str(meaning)})
    return meaning


async def let_go(services: Services, asker: Asker, version: str) -> None:
    """Let a version mean for the asker what it means for others here."""
    await set_preferences(services, asker, {PIN_PREFIX + version: None})


async def hold_here(services: Services, asker: Asker, version: str, model: str | None) -> Meaning | None:
    """Let a version mean what this model is now, for the asker's server; without a model, what it means elsewhere.

    Its channels are told. UserError `not_a_manager`, or as `held_at`.
    """
    meaning = None if model is None else held_at(services, version, model)
    before = await meanings_in(services, asker.guild_id)
    await set_for_server(services, asker, PIN_PREFIX + version, None if meaning is None else str(meaning))
    now = await meanings_in(services, asker.guild_id)
    async with promptly():
        notices = await _notices(services, _changes(before, now), guild_id=asker.guild_id)
        await services.meanings.remember({}, notices)
    return meaning


async def hold_everywhere(services: Services, by: str, version: str, model: str | None) -> Meaning | None:
    """The same for all who hold nothing themselves, by the operator."""
    meaning = None if model is None else held_at(services, version, model)
    stored = None if meaning is None else str(meaning)
    async with promptly():
        before = await services.preferences.get(preferences.EVERYONE, PIN_PREFIX + version)
    if before == stored:
        return meaning
    await look(services)  # what changed before is told as what it was
    async with promptly():
        await services.preferences.set(preferences.EVERYONE, PIN_PREFIX + version, stored)
    await audit(services, by, "pin", f"version {version}", stored or "let go")
    await look(services)
    return meaning


def canonical(services: Services, version: str) -> str:
    """A version's own name, where it is typed in another way; also one that is on offer no more may be let go."""
    named = services.catalogue.versions.named(version)
    return version if named is None else named.name


def held_at(services: Services, version: str, model: str) -> Meaning:
    """What a version means when it is held at a model. UserError `version_not_offered`, `model_not_found`, or
    `model_not_for_version` when the model does not answer to it."""
    services.catalogue.resolve(version)
    named = services.catalogue.asked_for(model)
    answering = services.catalogue.answering(version)
    if named not in answering:
        offered = ", ".join(one.name for one in answering)
        raise UserError("model_not_for_version", model=model, version=version, offered=offered)
    return named.meaning


def for_model(profile: Profile, model: str, catalogue: Catalogue) -> Profile:
    """The profile with which prompts that name no version are drawn by this model, whatever stands before it in the
    catalogue. UserError `model_not_found`."""
    found, version = catalogue.asked_for(model), catalogue.default_version
    if not found.answers_to(version):
        version = catalogue.version_of(model)
    return replace(profile, version=version, pins={version: Pin(found.meaning, Holder.USER)})


async def look(services: Services) -> Mapping[str, Change]:
    """Compare what versions mean with what they meant when somebody last looked, and have those told who use them.

    The changes, by version. UserError when Redis does not answer in time.
    """
    now = await meanings_in(services, None)
    async with promptly():
        before = await services.meanings.remembered()
        changes = _changes(before, now)
        notices = await _notices(services, changes)
        await services.meanings.remember({name: one for name, one in now.items() if before.get(name) != one}, notices)
    return changes


async def note_use(services: Services, asker: Asker, job: Job) -> None:
    """Remember that a job's version is used in its channel. One that is not noted is drawn all the same."""
    if isinstance(job.destination, DiscordChannel):
        place = Place(job.destination.channel_id, job.destination.guild_id, asker.locale)
        with suppress(UserError):
            async with promptly():
                await services.meanings.use(job.prompt.version, place)


async def meanings_in(services: Services, guild_id: int | None) -> dict[str, Meaning]:
    """What each version means in a guild, or elsewhere (None). One that is held at what is gone means nothing."""
    scopes = {preferences.EVERYONE: Holder.OPERATOR}
    if guild_id is not None:
        scopes[preferences.guild(guild_id)] = Holder.GUILD
    async with promptly():
        layers = await services.preferences.layers(list(scopes))
    pins = pins_in(zip(scopes.values(), layers, strict=True))
    found = {}
    for version in services.catalogue.offered:
        with suppress(UserError):
            found[version] = services.catalogue.resolve(version, pins).meaning
    return found


def _changes(before: Mapping[str, Meaning], now: Mapping[str, Meaning]) -> dict[str, Change]:
    return {
        version: Change(before[version], meaning)
        for version, meaning in now.items()
        if version in before and before[version] != meaning
    }


async def _notices(
    services: Services, changes: Mapping[str, Change], *, guild_id: int | None = None
) -> tuple[Notice, ...]:
    """What is to be told by now: in the channels of one guild, or in all whose guild does not hold the version."""
    if not changes:
        return ()
    untold = await services.meanings.notices()
    users = {version: (await services.meanings.users_of(version)).values() for version in changes}
    places = [place for found in users.values() for place in found]
    held = {} if guild_id is not None else await _guild_pins(services, places)
    notices: dict[int, Notice] = {}
    for version, change in changes.items():
        for place in users[version]:
            if guild_id in (None, place.guild_id) and version not in held.get(place.guild_id, NO_PINS):
                notice = notices.get(place.channel_id) or untold.get(place.channel_id) or Notice(place)
                notices[place.channel_id] = notice.with_changes({version: change})
    return tuple(notices.values())


async def _guild_pins(services: Services, places: Iterable[Place]) -> dict[int | None, Pins]:
    """What each guild of these places holds."""
    guilds = sorted({place.guild_id for place in places if place.guild_id is not None})
    layers = await services.preferences.layers([preferences.guild(id) for id in guilds])
    return {id: pins_in([(Holder.GUILD, settings)]) for id, settings in zip(guilds, layers, strict=True)}
