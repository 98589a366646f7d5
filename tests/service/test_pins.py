"""Versions that hold still: whose pin counts, what is told of a change and to whom, and how it is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import redis.asyncio

from contract.catalogue import EASEL_SMALL, Catalogue
from contract.errors import UserError
from contract.jobs import DiscordChannel
from contract.pins import Holder, Meaning
from contract.sentences import describe
from exchange import keys
from exchange.meanings import Change, Place
from service.accepting import accept
from service.asker import Asker
from service.pins import for_model, hold, hold_everywhere, hold_here, let_go, look
from service.profiles import profile_of
from service.services import Services
from service.wishes import wish
from tests.service.askers import HERE, asker

OLD, NEW = replace(EASEL_SMALL, name="old", revision="1"), replace(EASEL_SMALL, name="new", revision="7")
ELSEWHERE = DiscordChannel(channel_id=12, guild_id=23)


@pytest.fixture
def both(services: Services) -> Services:
    """A service whose versions are drawn by `new`, and can be held at `old`."""
    return replace(services, catalogue=Catalogue((NEW, OLD)))


async def drawn_by(services: Services, who: Asker, prompt: str = "a fox --v 6.1") -> str:
    """The model of a prompt of theirs, by its name."""
    [job] = wish(prompt, who, await profile_of(services, who), services.catalogue).jobs
    return job.model


async def used(services: Services, who: Asker, prompt: str = "a fox --v 6.1") -> None:
    """Let them have a job accepted."""
    [job] = wish(prompt, who, await profile_of(services, who), services.catalogue).jobs
    await accept(services, who, job)
    await services.background.finish()


async def told(services: Services) -> Mapping[int, Mapping[str, Change]]:
    """What channels are still to be told."""
    return {channel: dict(one.changes) for channel, one in (await services.meanings.notices()).items()}


async def test_a_persons_pin_counts_before_the_servers_and_that_before_the_operators(both: Services) -> None:
    """Letting go gives back what holds for the others."""
    me = replace(asker(), manages=True)
    assert await drawn_by(both, me) == "new"
    await hold_everywhere(both, "operator", "6.1", "old")
    assert await drawn_by(both, me) == "old"
    assert await drawn_by(both, me, "a fox --v 6") == "new"
    await hold_here(both, me, "6.1", "new")
    assert (await drawn_by(both, me), await drawn_by(both, asker(place=ELSEWHERE))) == ("new", "old")
    await hold(both, me, "6.1", "old")
    assert (await drawn_by(both, me), await drawn_by(both, asker(user_id=2))) == ("old", "new")
    await let_go(both, me, "6.1")
    await hold_here(both, me, "6.1", None)
    await hold_everywhere(both, "operator", "6.1", None)
    assert await drawn_by(both, me) == "new"


async def test_a_pin_holds_one_revision_and_says_so_when_it_is_gone(both: Services) -> None:
    """Nothing else is drawn in its place; another version, and everybody else, go on."""
    await hold(both, asker(), "6.1", "old")
    later = replace(both, catalogue=Catalogue((NEW, replace(OLD, revision="2"))))
    with pytest.raises(UserError) as gone:
        await drawn_by(later, asker())
    assert "hold version `6.1` at `old` (revision 1)" in describe(gone.value)[1]
    assert (await drawn_by(later, asker(), "a fox --v 6"), await drawn_by(later, asker(user_id=2))) == ("new", "new")
    assert (await profile_of(later, asker())).model(later.catalogue).name == "new"


async def test_whose_pin_is_gone_is_said(both: Services) -> None:
    """Each holder has a sentence with a way out of its own."""
    await hold_everywhere(both, "operator", "6", "old")
    await hold_here(both, replace(asker(), manages=True), "6.1", "old")
    later = replace(both, catalogue=Catalogue((NEW,)))
    for version, words in (("6", "The operator holds"), ("6.1", "`/server version`")):
        with pytest.raises(UserError) as gone:
            await drawn_by(later, asker(), f"a fox --v {version}")
        assert words in describe(gone.value)[1]


@pytest.mark.parametrize("holder", list(Holder))
async def test_a_version_held_at_a_model_that_no_worker_has_waits_until_it_is_let_go(
    both: Services, store: redis.asyncio.Redis, holder: Holder
) -> None:
    """Its jobs say that nobody draws them, whoever holds it; the next ones go on once it is let go."""
    await store.sadd(keys.nodes(), "one")
    await store.hset(keys.node("one"), mapping={"name": "one", "models": "new"})
    me = replace(asker(), manages=True)

    async def held_at(model: str | None) -> None:
        if holder is Holder.OPERATOR:
            await hold_everywhere(both, "operator", "6.1", model)
        elif holder is Holder.GUILD:
            await hold_here(both, me, "6.1", model)
        elif model is None:
            await let_go(both, me, "6.1")
        else:
            await hold(both, me, "6.1", model)

    async def drawn(who: Asker) -> bool:
        [job] = wish("a fox --v 6.1", who, await profile_of(both, who), both.catalogue).jobs
        await accept(both, who, job)
        await both.background.finish()
        position = await both.queue.position(job.id)
        assert position is not None
        return position.served

    await held_at("old")
    assert not await drawn(me)
    await held_at(None)
    assert await drawn(replace(me, key=me.key + 1))


async def test_a_version_is_held_at_a_model_that_answers_to_it(both: Services) -> None:
    """Anything else is refused with what there is; only those who manage a server hold its versions."""
    narrow = replace(both, catalogue=Catalogue((NEW, replace(OLD, versions=("6",)))))
    for version, model, kind in (
        ("6.1", "old", "model_not_for_version"),
        ("6.1", "lost", "model_not_found"),
        ("9", "new", "version_not_offered"),
    ):
        with pytest.raises(UserError) as refused:
            await hold(narrow, asker(), version, model)
        assert refused.value.kind == kind
    with pytest.raises(UserError, match="not_a_manager"):
        await hold_here(narrow, asker(), "6", "old")


@pytest.mark.parametrize("model", ["new", "old"])
async def test_who_names_a_model_gets_it(both: Services, model: str) -> None:
    """Also one whose versions all mean the model before it; nobody is asked what they hold."""
    profile = for_model(await profile_of(both, asker()), model, both.catalogue)
    assert [job.model for job in wish("a fox", asker(), profile, both.catalogue).jobs] == [model]


async def test_what_is_held_no_more_is_let_go_once(both: Services) -> None:
    """What changes nothing is no deed of the operator's."""
    await hold_everywhere(both, "operator", "6.1", None)
    assert await both.policies.deeds(9) == []
    for model in ("old", "old", None, None):
        await hold_everywhere(both, "operator", "6.1", model)
    assert [deed.detail for deed in await both.policies.deeds(9)] == ["let go", "old@1"]


async def test_a_change_is_told_once_where_the_version_was_used(services: Services) -> None:
    """The first look tells nobody; a new revision is told in the channel that used it, in its language, and not twice;
    other versions and other channels hear nothing."""
    before = replace(services, catalogue=Catalogue((OLD,)))
    await look(before)
    await used(before, replace(asker(), locale="zh-CN"))
    assert await told(before) == {}
    after = replace(services, catalogue=Catalogue((replace(OLD, revision="2"),)))
    changes = await look(after)
    change = Change(Meaning("old", "1"), Meaning("old", "2"))
    assert (changes["6.1"], changes["6"]) == (change, change)
    assert await told(after) == {HERE.channel_id: {"6.1": change}}
    [notice] = (await services.meanings.notices()).values()
    assert notice.place == Place(HERE.channel_id, HERE.guild_id, "zh-CN")
    await services.meanings.told(notice)
    assert await look(after) == {}
    assert await told(after) == {}


async def test_what_is_taken_back_before_it_was_told_is_not_told(both: Services) -> None:
    """And what changes twice is told as one change, from the first to the last."""
    await look(both)
    await used(both, asker())
    await hold_everywhere(both, "operator", "6.1", "old")
    assert await told(both) == {HERE.channel_id: {"6.1": Change(NEW.meaning, OLD.meaning)}}
    [early] = (await both.meanings.notices()).values()
    await hold_everywhere(both, "operator", "6.1", None)
    assert await told(both) == {}
    await hold_everywhere(both, "operator", "6.1", "old")
    third = replace(OLD, name="third", revision="3")
    await hold_everywhere(replace(both, catalogue=Catalogue((NEW, third))), "operator", "6.1", "third")
    assert await told(both) == {HERE.channel_id: {"6.1": Change(NEW.meaning, third.meaning)}}
    await both.meanings.told(early)
    assert await told(both), "what came since is told as well"


async def test_a_server_that_holds_a_version_hears_of_its_own_changes_only(both: Services) -> None:
    """Its moderator's pin is told in its channels; what the operator does to that version changes nothing there."""
    await look(both)
    for place in (HERE, ELSEWHERE):
        await used(both, asker(place=place, key=place.channel_id))
    await hold_here(both, replace(asker(), manages=True), "6.1", "old")
    assert set(await told(both)) == {HERE.channel_id}
    [notice] = (await both.meanings.notices()).values()
    await both.meanings.told(notice)
    await hold_everywhere(both, "operator", "6.1", "old")
    assert set(await told(both)) == {ELSEWHERE.channel_id}


async def test_what_cannot_be_read_stands_in_nobodys_way(both: Services, store: object) -> None:
    """A damaged notice is put away, a damaged pin counts as not set."""
    await both.preferences.set("user:1", "pin:6.1", 7)
    assert await drawn_by(both, asker()) == "new"
    await both.meanings.remember({"6.1": OLD.meaning})
    await used(both, asker())
    await look(both)
    await store.hset("easel:notices", "99", "{")  # type: ignore[attr-defined]
    assert set(await told(both)) == {HERE.channel_id}
