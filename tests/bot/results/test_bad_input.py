"""Every button and form about a job, with everything that can be wrong about it: a sentence that says what to do, and
nothing has changed. A new button is tried by the same tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contract.actions import Action
from contract.catalogue import EASEL_SMALL, Catalogue
from contract.jobs import Job
from contract.messages import result_buttons
from contract.moderation import read_blocked
from service.policy import OPERATOR, block_word
from tests.bot.results.presses import FORMS, PARENTS, TEXTS, World, button_id, called, is_shown, kind_of
from tests.contract.factories import follow, press, upscale

OTHERS = [action for action in PARENTS if action.value.form is None]
SINGLE = PARENTS[Action.ZOOM_2]


def offer(world: World, catalogue: Catalogue) -> None:
    """The operator offers other models from now on."""
    object.__setattr__(world.services, "catalogue", catalogue)


def test_the_table_has_every_button_that_makes_a_job() -> None:
    """Those under texts say which text, not which job: they have rows of their own."""
    assert {*PARENTS, *TEXTS} == {action for action in Action if action.value.makes}


@pytest.mark.parametrize("action", PARENTS, ids=called)
async def test_a_model_that_is_gone(world: World, action: Action) -> None:
    """The sentence names it and what there is instead; no form asks for words before."""
    message = await world.post(action, replace(PARENTS[action], model="yesterdays-model"))
    before = await world.held()
    await world.refused(await world.press(action, message), before, "yesterdays-model", EASEL_SMALL.name)


@pytest.mark.parametrize("action", [action for action in PARENTS if kind_of(action).needs], ids=called)
async def test_a_model_that_cannot_do_it(world: World, action: Action) -> None:
    """Its button is not shown there; one that was shown before is refused, with a way on."""
    plain = replace(EASEL_SMALL, honours=EASEL_SMALL.honours - kind_of(action).needs)
    job = PARENTS[action]
    assert button_id(action, job) not in str(result_buttons(job, plain.honours))
    message = await world.post(action, job)
    offer(world, Catalogue((plain,)))
    before = await world.held()
    await world.refused(await world.press(action, message), before, EASEL_SMALL.title, "another button")


@pytest.mark.parametrize("action", PARENTS, ids=called)
async def test_nothing_is_left_of_it(world: World, action: Action) -> None:
    """No record, and a message that says nothing of where it comes from."""
    message = await world.post(action, PARENTS[action], kept=False)
    before = await world.held()
    await world.refused(await world.press(action, message), before, "records of this picture are gone")


@pytest.mark.parametrize("action", OTHERS, ids=called)
async def test_words_that_are_blocked_by_now(world: World, action: Action) -> None:
    """A button without a form takes the words of its picture."""
    message = await world.post(action, PARENTS[action])
    await block_word(world.services, OPERATOR, read_blocked("fox"))
    before = await world.held()
    await world.refused(await world.press(action, message), before, "fox")


@pytest.mark.parametrize("action", FORMS, ids=called)
async def test_words_that_are_blocked_in_a_form(world: World, action: Action) -> None:
    """The form's words, not the picture's."""
    shown = await world.open(action)
    await block_word(world.services, OPERATOR, read_blocked("weasel"))
    before = await world.held()
    await world.refused(await world.send(action, shown, "a weasel --ar 5:4"), before, "weasel")


def _grown(action: Action) -> Job:
    """A picture that this button would make larger or longer than there may be."""
    job = SINGLE if action not in (Action.UPSCALE_2X, Action.UPSCALE_4X) else PARENTS[action]
    bigger = Action.UPSCALE_2X if job is not SINGLE else Action.UPSCALE_SUBTLE
    grow, number = action if action.value.makes == "pan" else bigger, 100
    while is_shown(action, job):
        job = follow(job, grow, press(interaction=number))
        if job.image_count > 1:
            job = upscale(job, 0, press(interaction=number + 1))
        number += 2
    return job


GROWING = [action for action in PARENTS if action.value.makes in ("enlarge", "pan")]


@pytest.mark.parametrize("action", GROWING, ids=called)
async def test_a_picture_that_would_grow_too_much(world: World, action: Action) -> None:
    """Its button is not shown; one that was shown before is refused, and no form opens before."""
    message = await world.post(action, _grown(action))
    before = await world.held()
    await world.refused(await world.press(action, message), before, "ore than 1")


UNREADABLE = {
    "a fox --sparkle": "sparkle",
    "a fox --ar 20:1": "14",
    "a fox --ar 3:0": "--ar",
    "a fox --chaos 500": "--chaos",
    "a fox --repeat 99": "--repeat",
}
"""Words for a form, and what the sentence about them has to name."""


@pytest.mark.parametrize("action", FORMS, ids=called)
async def test_words_that_cannot_be_read(world: World, action: Action) -> None:
    """The word that is wrong stands in the sentence, whichever form it came from."""
    message = await world.post(action, PARENTS[action])
    before = await world.held()
    for words, said in UNREADABLE.items():
        sent = await world.send(action, await world.press(action, message), words)
        await world.refused(sent, before, said)


@pytest.mark.parametrize("action", FORMS, ids=called)
async def test_a_form_of_another_person(world: World, action: Action) -> None:
    """A client can send any form unseen; it counts for who opened it alone."""
    shown = await world.open(action)
    shown._interaction.user_id = world.bob.id
    before = await world.held()
    sent = await replace(world, alice=world.bob).send(action, shown, "a hare --ar 5:4")
    await world.refused(sent, before, "somebody else", "Press the button again")


COPIES: dict[str, tuple[dict[str, Any], str]] = {
    "no file, no cell": ({"cells": []}, "cells"),
    "every cell": ({"cells": [str(number) for number in range(25)]}, "not all"),
    "a text": ({"mask": ("notes.txt", b"a hat, please")}, "PNG"),
}
"""What can be wrong about the part that is chosen, and what the sentence says."""


@pytest.mark.parametrize("fault", COPIES)
async def test_a_region_that_is_none(world: World, fault: str) -> None:
    """Neither nothing nor all, and a copy is a picture: said at once, not by a worker later."""
    chosen, said = COPIES[fault]
    shown = await world.open(Action.VARY_REGION)
    before = await world.held()
    await world.refused(await world.send(Action.VARY_REGION, shown, "a hat", **chosen), before, said)


TEXT_FORMS = [action for action in TEXTS if action.value.form is not None]


@pytest.mark.parametrize("action", TEXTS, ids=called)
async def test_texts_that_are_gone(world: World, action: Action) -> None:
    """Somebody's client, or a moderator, took the embed away: nothing is known any more."""
    message = await world.post_texts(action, ())
    before = await world.held()
    await world.refused(await world.press(action, message), before, "not about a job of mine")


@pytest.mark.parametrize("action", TEXT_FORMS, ids=called)
async def test_a_text_that_is_not_there(world: World, action: Action) -> None:
    """A client pressed the fourth of two."""
    message = await world.post_texts(action, number=3)
    before = await world.held()
    await world.refused(await world.press(action, message), before, "button")


@pytest.mark.parametrize("action", [action for action in TEXTS if action not in TEXT_FORMS], ids=called)
async def test_texts_that_nobody_may_ask_for_any_more(world: World, action: Action) -> None:
    """Words that are blocked by now, or no model that describes, before anything is made of them."""
    message = await world.post_texts(action)
    await block_word(world.services, OPERATOR, read_blocked("fox"))
    offer(world, Catalogue((replace(EASEL_SMALL, honours=EASEL_SMALL.honours - {"describe"}),)))
    before = await world.held()
    said = EASEL_SMALL.title if action.value.makes == "describe" else "fox"
    await world.refused(await world.press(action, message), before, said)


@pytest.mark.parametrize("action", TEXT_FORMS, ids=called)
async def test_texts_that_are_changed_into_what_cannot_be_drawn(world: World, action: Action) -> None:
    """The word that is wrong stands in the sentence."""
    message = await world.post_texts(action)
    await block_word(world.services, OPERATOR, read_blocked("weasel"))
    before = await world.held()
    for words, said in {"a weasel": "weasel", **UNREADABLE}.items():
        sent = await world.send(action, await world.press(action, message), words)
        await world.refused(sent, before, said)
