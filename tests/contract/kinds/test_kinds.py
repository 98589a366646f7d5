"""What every kind of job has to be able to do: the table is walked, so a new kind is held to it by being there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.actions import read_custom_id
from contract.codec import decode_job, encode_job
from contract.derive import next_job
from contract.families import HONOURABLE
from contract.jobs import Job, Speed, Stage, User
from contract.kinds import KINDS
from contract.lineage import DESCRIPTION_LIMIT, caption, rebuild
from contract.locales import LOCALES, book
from contract.messages import bold_prompt, progress, result, result_buttons, stopped, waiting
from contract.prompt import ECHO_LIMIT
from tests.contract.factories import BOB, CHANNEL, press
from tests.contract.kinds.examples import EXAMPLES

FOUND = [pytest.param(job, id=name) for name, job in EXAMPLES.items() if "attached" not in name]
"""Attached pictures are what is left when a message cannot say how they were made."""
JOBS = [pytest.param(job, id=name) for name, job in EXAMPLES.items()]


def test_every_kind_stands_under_its_own_name() -> None:
    """The key in the table is what `kind` says in every document; every kind has an example here."""
    assert {job.request.kind for job in EXAMPLES.values()} == set(KINDS)
    for job in EXAMPLES.values():
        assert type(job.request) is KINDS[job.request.kind]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_a_name_in_every_language(kind: str) -> None:
    """Lists of jobs say which kind each was."""
    assert all(f"kind.{kind}" in book(locale) for locale in LOCALES)


@pytest.mark.parametrize("job", JOBS)
def test_it_survives_the_wire(job: Job) -> None:
    """As JSON and back it is an equal value."""
    assert decode_job(encode_job(job)) == job


@pytest.mark.parametrize("job", FOUND)
def test_it_is_rebuilt_from_its_message(job: Job) -> None:
    """Content and caption alone give request, words, model and lines of generations again."""
    text = caption(job)
    assert len(text) <= DESCRIPTION_LIMIT
    found = rebuild(job.id, result(job), text, user=BOB, destination=CHANNEL, created_ms=0)
    assert (found.request, found.prompt, found.model) == (job.request, job.prompt, job.model)
    for index in range(job.image_count):
        assert found.generations(index) == job.generations(index)


@pytest.mark.parametrize("job", JOBS)
def test_its_words_can_be_read_by_clients(job: Job) -> None:
    """At every stage the prompt stands in the first pair of `**`, and the person is mentioned once."""
    for text in (waiting(job), progress(job, 31), result(job)):
        assert bold_prompt(text) == job.prompt.echo
        assert text.count(f"<@{job.user.id}>") == 1
    assert waiting(job).endswith(" (Waiting to start)")
    assert progress(job, 31).endswith(" (31%) (fast)")
    for stage in Stage:
        assert "\n" not in job.request.head("**P**", "<@1>", stage)


@pytest.mark.parametrize("job", JOBS)
def test_its_longest_words_fit_into_a_message(job: Job) -> None:
    """2,000 characters, with the longest prompt, the longest mention and every state behind them."""
    prompt = replace(job.prompt, echo="x" * ECHO_LIMIT)
    longest = replace(job, prompt=prompt, user=User(2**64 - 1, "alice"), speed=Speed.RELAX, stealth=True)
    for text in (waiting(longest), progress(longest, 100), stopped(longest), result(longest)):
        assert len(text) <= 2000


@pytest.mark.parametrize("job", JOBS)
def test_it_needs_what_a_model_can_promise(job: Job) -> None:
    """The words of its needs are words of a catalogue."""
    assert job.request.needs <= HONOURABLE


@pytest.mark.parametrize("job", FOUND)
def test_each_of_its_buttons_makes_a_job(job: Job) -> None:
    """Five rows of five at most, no id twice; a press reads as a button of this job and derives a job that travels."""
    rows = result_buttons(job)
    assert len(rows) <= 5
    assert all(0 < len(row) <= 5 for row in rows)
    ids = [button.custom_id for row in rows for button in row]
    assert len(set(ids)) == len(ids)
    for number, id in enumerate(ids):
        button = read_custom_id(id)
        if button.action.value.menu:
            button = replace(button, index=job.request.choices - 1)
        if button.action.value.makes is None:
            continue
        made = next_job(job, button, press(interaction=100 + number))
        assert button.job in (job.id, None)
        assert made.parent is not None
        assert (made.parent.id, made.user, made.model) == (job.id, BOB, job.model)
        assert decode_job(encode_job(made)) == made
