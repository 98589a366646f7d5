"""Videos: who draws them, when they are offered, and what they cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.actions import Action, Button, ButtonId
from contract.catalogue import EASEL_SMALL, Catalogue, Model, read_catalogue
from contract.errors import UserError
from contract.families import HONOURABLE
from contract.jobs import Job
from contract.kinds.video import Video
from contract.messages import result_buttons
from contract.planning import plan
from tests.contract.factories import imagine, press, upscale
from tests.contract.kinds.examples import MOVING, filmed

SINGLE = upscale(imagine("a fox --ar 3:2"), 1, press())
LOW = ButtonId(Action.ANIMATE_LOW, 0, SINGLE.id)


def labels(job: Job, catalogue: Catalogue) -> set[str | None]:
    """What is written on the buttons of a result."""
    rows = result_buttons(job, catalogue.honours(job.model))
    return {button.label for row in rows for button in row if isinstance(button, Button)}


def test_animate_is_offered_where_anybody_can() -> None:
    """The picture's own model, by redrawing it, or one that draws videos, of whoever's pictures."""
    still = replace(EASEL_SMALL, honours=EASEL_SMALL.honours - {"redraw"})
    low = "Animate (Low motion)"
    assert low in labels(SINGLE, Catalogue((EASEL_SMALL,)))
    assert low not in labels(SINGLE, Catalogue((still,)))
    assert low in labels(SINGLE, Catalogue((still, MOVING)))
    assert Catalogue((still, MOVING)).honours("gone") == frozenset()


def test_it_is_its_own_models_job() -> None:
    """By name and by fingerprint; 🔄 asks that one again, and the picture stays its ancestor's."""
    job = filmed(SINGLE, Action.ANIMATE_LOW, press())
    offer = Catalogue((EASEL_SMALL, MOVING))
    assert job.model == MOVING.name
    assert offer.drew(job.id) is MOVING
    assert offer.drew(job.ancestors[-1].id) is EASEL_SMALL
    assert Catalogue((EASEL_SMALL,)).drew(job.id) is None


def test_its_price_is_its_length() -> None:
    """As many pictures as it has positions in time: eight frames each, and the first."""
    costs = {}
    for frames in (9, 17, 121):
        model = replace(MOVING, frames=frames)
        asked = replace(press(), kind="video", drawer=model)
        job = replace(SINGLE, request=Video.derived(SINGLE, LOW, asked, SINGLE.prompt), ancestors=SINGLE.shown(0))
        costs[frames] = plan(job, model).cost
    assert costs[17] / costs[9] == pytest.approx(3 / 2)
    assert costs[121] / costs[9] == pytest.approx(16 / 2)


@pytest.mark.parametrize("flags", ["--weird 500", "--tile", "--sampler euler", "--q .5 --s 900", "--stop 50"])
def test_how_its_picture_was_drawn_does_not_count(flags: str) -> None:
    """Its model need not honour that."""
    single = upscale(imagine(f"a fox {flags}"), 1, press())
    plain = upscale(imagine("a fox"), 1, press())
    one, other = (plan(filmed(each, Action.ANIMATE_LOW, press()), MOVING) for each in (single, plain))
    assert one == other
    assert filmed(single, Action.ANIMATE_LOW, press()).prompt == single.prompt


def test_links_of_its_picture_are_not_read_again() -> None:
    """They may be dead; what they gave is in the picture."""
    single = upscale(imagine("https://example.org/a.png a fox --sref https://example.org/b.png"), 1, press())
    assert filmed(single, Action.ANIMATE_LOW, press()).links == ()


def test_a_button_of_one_needs_a_model_that_draws_it() -> None:
    """Nothing is made up about its length."""
    with pytest.raises(UserError, match="unknown_button"):
        Video.derived(SINGLE, LOW, press(), SINGLE.prompt)


@pytest.mark.parametrize("text", ["", "9", "9.25", "1.25.8", "9.0.8", "9.25.8.1", "a.b.c", "100000.25.8"])
def test_a_caption_cannot_ask_for_what_is_no_video(text: str) -> None:
    """Anybody may write one, of however many frames."""
    with pytest.raises((KeyError, ValueError, TypeError)):
        Video.from_fields({"o": "low", "f": text})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"frames": 8}, "film: frames are 1 and a multiple of 8, such as 121, up to 1000"),
        ({"frames": 1}, "film: frames are 1 and a multiple"),
        ({"frames": 1009}, "film: frames are 1 and a multiple"),
        ({"family": '"flux"'}, "film: no flux model can honour moving; take it out of honours"),
    ],
)
def test_a_catalogue_promises_no_video_that_cannot_be(change: dict[str, object], said: str) -> None:
    """The sentence names the model and what to do."""
    assert _read({}).frames == 121
    with pytest.raises(UserError, match=said):
        _read(change)


def test_the_word_is_one_of_the_language() -> None:
    """And the model that ships does not promise it."""
    assert Video.needs <= HONOURABLE
    assert not Video.needs & EASEL_SMALL.honours


def _read(change: dict[str, object]) -> Model:
    keys = {
        "name": '"film"',
        "title": '"Film"',
        "family": '"ltx-video"',
        "licence": '"LTXV"',
        "source": '"somewhere"',
        "aliases": '{ film = "7" }',
        "versions": "[]",
        "pixels": 262144,
        "size_multiple": 32,
        "num_inference_steps": 30,
        "guidance_scale": 3.0,
        "sampler": '"flow_euler"',
        "honours": '["aspect", "moving"]',
        **change,
    }
    text = "[[models]]\n" + "\n".join(f"{name} = {value}" for name, value in keys.items())
    return read_catalogue(text).named("film")
