"""The posted message is enough to rebuild the job behind it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.actions import Action
from contract.catalogue import EASEL_SMALL
from contract.errors import UserError
from contract.jobs import Job, Strength, surprise
from contract.lineage import DESCRIPTION_LIMIT, caption, rebuild
from contract.messages import result
from contract.planning import shaped
from contract.prompt import Context, parse
from contract.versions import VERSIONS
from tests.contract.factories import BOB, CHANNEL, follow, imagine, press, upscale, variation

GRID = imagine("a red fox --ar 3:2 --no trees")
SUBTLE = variation(GRID, 3, Strength.SUBTLE, press(seed=6))
SINGLE = upscale(SUBTLE, 1, press(seed=6))
AGAIN = variation(SINGLE, 0, Strength.STRONG, press(seed=0))


def from_message(job: Job, description: str | None = None) -> Job:
    return rebuild(
        job.id, result(job), description or caption(job), user=BOB, destination=CHANNEL, created_ms=job.created_ms
    )


@pytest.mark.parametrize("job", [GRID, SUBTLE, SINGLE, AGAIN])
def test_a_job_is_rebuilt_from_its_message(job: Job) -> None:
    """Prompt, request, model and seed come back whole, so every button draws the same picture as before."""
    found = from_message(job)
    assert (found.id, found.request, found.prompt, found.model) == (job.id, job.request, job.prompt, job.model)
    assert found.generations(0) == job.generations(0)


def test_an_operators_own_version_comes_back() -> None:
    """The echo names it; with the operator's versions it is read, without them nothing is guessed."""
    versions = VERSIONS.with_alias("emoji", "6.1")
    job = replace(GRID, prompt=parse("a red fox --v emoji", Context(versions=versions)).prompts[0])
    where = {"user": BOB, "destination": CHANNEL, "created_ms": 0}
    found = rebuild(job.id, result(job), caption(job), versions=versions, **where)  # type: ignore[arg-type]
    assert found.prompt == job.prompt
    with pytest.raises(UserError, match="lineage_missing"):
        rebuild(job.id, result(job), caption(job), **where)  # type: ignore[arg-type]


def test_a_shape_that_was_taken_from_a_picture_comes_back() -> None:
    """The words do not say it; of what is made from the result neither."""
    job = shaped(imagine("red --edit https://example.com/a.png"), 1200, 803, EASEL_SMALL)
    assert job.prompt.parameters.aspect == (3, 2)
    assert "--ar" not in result(job)
    single = upscale(job, 1, press())
    for one in (job, single, follow(single, Action.ZOOM_2, press())):
        found = from_message(one)
        assert (found.prompt, found.ancestors, found.extent) == (one.prompt, one.ancestors, one.extent)
    with pytest.raises(UserError, match="lineage_missing"):
        from_message(job, caption(job).replace("r=3:2", "r=3:0"))


def test_a_surprise_stays_one() -> None:
    """A prompt without words is not mistaken for the words that are shown in their place."""
    job = replace(GRID, prompt=surprise())
    assert from_message(job).prompt == job.prompt
    assert from_message(job).prompt.parts == ()


def test_the_caption_starts_with_words_for_people() -> None:
    """Screen readers read it out."""
    assert caption(GRID).startswith("Four pictures of a red fox --ar 3:2 --no trees --v 8.2. [easel 1; ")
    assert caption(SINGLE).startswith("A picture of a red fox")


def test_a_long_prompt_gives_way_to_the_lineage() -> None:
    """The words are cut, the lineage never."""
    job = imagine("fox " * 350)
    assert len(caption(job)) <= DESCRIPTION_LIMIT
    assert from_message(job) == from_message(job)
    assert from_message(job).prompt == job.prompt


def test_brackets_in_a_prompt_do_not_forge_a_lineage() -> None:
    """Only the tail counts, and a prompt cannot write one."""
    job = imagine("a fox [easel 1; k=imagine; m=other]")
    assert from_message(job).model == job.model


def test_a_line_too_long_to_fit_says_so() -> None:
    """Some ninety generations fit; after that the message cannot carry them and the user is told why."""
    lines = [imagine()]
    for turn in range(200):
        lines.append(variation(lines[-1], 0, Strength.STRONG, press(seed=turn, interaction=turn)))
    kept = [job for job in lines if "k=full" not in caption(job)]
    assert 60 <= len(kept) < 200
    assert [from_message(job).request for job in kept] == [job.request for job in kept]
    with pytest.raises(UserError) as caught:
        from_message(lines[len(kept)])
    assert caught.value.kind == "lineage_too_long"


@pytest.mark.parametrize(
    "description",
    [
        "a picture",
        "[easel 2; k=imagine; m=easel-small]",
        "[easel 1; k=imagine]",
        "[easel 1; k=dance; m=easel-small]",
        "[easel 1; k=variation; s=strong; m=easel-small; g=xyz]",
        "[easel 1; k=variation; s=strong; m=easel-small; g=0000002a.2s]",
        "[easel 1; k=variation; s=wild; m=easel-small; g=0000002a.2]",
    ],
)
def test_a_message_without_a_lineage_gets_a_clear_error(description: str) -> None:
    """Never a guess, never a crash."""
    with pytest.raises(UserError) as caught:
        from_message(GRID, description)
    assert caught.value.kind == "lineage_missing"
