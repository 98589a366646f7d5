"""What the engine does at step boundaries, and what it does when something fails."""

import itertools
import threading
from typing import Any

import numpy as np
import pytest
import torch

from model.components import Bundle
from model.drawing import generate
from model.engine import Engine
from model.errors import Cancelled, ModelError
from model.request import Keep, Start, text_to_image
from model.state import Shortcuts, as_lively
from tests.model.conftest import Recorder, altered, assert_same_pictures, running, submit_together

APPLE = text_to_image("a red apple", seed=7, size=(32, 32), images=2, num_inference_steps=6)
BLACK = np.zeros((32, 32, 3), np.uint8)


def test_events_count_the_steps_and_end(sd: Bundle) -> None:
    """One event a step, in order, then the iterator ends and the result is there."""
    with running(sd) as engine:
        ticket = engine.submit(APPLE)
        events = list(ticket.events())
        assert [(event.step, event.steps) for event in events] == [(k, 6) for k in range(1, 7)]
        assert ticket.done
        assert [image.shape for image in ticket.result()] == [(32, 32, 3)] * 2


def test_a_mean_of_pictures_is_as_lively_as_they_are() -> None:
    """Of pictures that have nothing in common, of pictures that are alike, and of such as hold nothing."""
    noise = torch.randn(3, 1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    for weights in ((0.5, 0.5), (0.2, 0.8)):
        pictures = [(3 * one + 1, weight) for one, weight in zip(noise, weights, strict=False)]
        mixed = as_lively(sum(one * weight for one, weight in pictures), pictures)
        assert mixed.std((-2, -1)).mean() == pytest.approx(3, rel=0.1)
        assert mixed.mean() == pytest.approx(1, abs=0.2)
    for same in (noise[2], torch.zeros_like(noise[2])):
        assert torch.allclose(as_lively(same, [(same, 0.5), (same, 0.5)]), same, atol=1e-5)


@pytest.mark.parametrize(("images", "shape"), [(1, (32, 32, 3)), (2, (32, 64, 3)), (3, (64, 64, 3)), (4, (64, 64, 3))])
def test_previews_come_every_k_steps_as_one_sheet(sd: Bundle, images: int, shape: tuple[int, ...]) -> None:
    """Every second of seven steps, in order with the other events, never at the end where the picture follows."""
    request = text_to_image("a", seed=1, size=(32, 32), images=images, num_inference_steps=6)
    with running(sd) as engine:
        events = list(engine.submit(request, preview_every=2).events())
    assert [event.step for event in events] == [1, 2, 3, 4, 5, 6]
    assert [event.step for event in events if event.preview is not None] == [2, 4]
    assert all(event.preview.shape == shape for event in events if event.preview is not None)


def test_a_preview_resembles_the_picture(default: Bundle) -> None:
    """The linear map is close to the decoder: late previews of the trained model look like its result."""
    request = text_to_image("a red apple", seed=7, size=default.native_size, images=1, num_inference_steps=8)
    with running(default) as engine:
        ticket = engine.submit(request, preview_every=1)
        previews = [event.preview for event in ticket.events() if event.preview is not None]
        [picture] = ticket.result()
    errors = [np.abs(preview.astype(int) - picture).mean() for preview in previews]
    assert errors[-1] < 24
    assert errors[-1] < errors[0]


def test_cancel_frees_the_rows_at_the_next_boundary(sd: Bundle) -> None:
    """The cancelled request ends with Cancelled, its neighbour with the picture it would have got alone."""
    long = altered(APPLE, num_inference_steps=500)
    neighbour = altered(APPLE, num_inference_steps=12)
    with running(sd) as engine:
        ticket, other = submit_together(engine, [long, neighbour])
        events = ticket.events()
        next(events)
        ticket.cancel()
        with pytest.raises(Cancelled):
            ticket.result(60)
        assert_same_pictures(other.result(60), generate(sd, neighbour))
        assert len(list(events)) < 20


def test_a_cancelled_request_that_never_began_costs_nothing(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled while it waits: not one forward is spent on it."""
    recorder = Recorder(sd, monkeypatch)
    engine = Engine(sd, quicken="off")  # recording a graph takes forwards of its own
    ticket = engine.submit(APPLE)
    ticket.cancel()
    engine.start()
    with pytest.raises(Cancelled):
        ticket.result(60)
    engine.close()
    assert recorder.rows == []


def test_stop_ends_early_with_a_picture(sd: Bundle) -> None:
    """`stop_at` takes its share of the steps and decodes the scheduler's idea of the result."""
    whole, half = generate(sd, APPLE), altered(APPLE, stop_at=0.5)
    with running(sd) as engine:
        ticket = engine.submit(half)
        assert [event.steps for event in ticket.events()] == [3, 3, 3]
        stopped = ticket.result()
    assert not np.array_equal(stopped[0], whole[0])
    assert_same_pictures(stopped, generate(sd, half))


def test_only_the_culprit_of_a_failed_batch_fails(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch is split and each tried alone; the others end with the pictures they would have got alone."""
    culprit = text_to_image("poison", seed=1, size=(32, 32), images=1, num_inference_steps=5)
    poison = sd.condition("poison")
    predict = sd.family.predict

    def fails_on_poison(latents: Any, timesteps: Any, conditions: Any) -> Any:
        if any(condition is poison for condition in conditions):
            raise RuntimeError("the rows are spoilt")
        return predict(latents, timesteps, conditions)

    monkeypatch.setattr(sd.family, "predict", fails_on_poison)
    others = [APPLE, altered(APPLE, num_inference_steps=3, sampler="euler_a")]
    with running(sd, max_rows=64) as engine:
        spoilt, *rest = submit_together(engine, [culprit, *others])
        with pytest.raises(ModelError, match="spoilt"):
            spoilt.result(60)
        results = [ticket.result(60) for ticket in rest]
    for result, request in zip(results, others, strict=True):
        assert_same_pictures(result, generate(sd, request))


def test_a_failing_scheduler_fails_only_its_own_request(sd: Bundle) -> None:
    """State of one request cannot spoil another's."""
    with running(sd) as engine:
        broken, sound = (engine.submit(altered(APPLE, num_inference_steps=400)) for _ in range(2))
        next(sound.events())
        with engine._wake:
            runner = next(one for one in engine._runners + engine._prepared if one.ticket is broken)
            runner.state._timesteps = runner.state._timesteps[:0]
        with pytest.raises(ModelError):
            broken.result(60)
        assert not sound.done
        sound.cancel()


def test_out_of_memory_halves_the_rows_and_goes_on(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures are those of an engine with enough memory; the smaller budget stays."""
    expected = generate(sd, APPLE)
    predict = sd.family.predict

    def memory_for_two_rows(latents: Any, timesteps: Any, conditions: Any) -> Any:
        if len(timesteps) > 2:
            raise torch.OutOfMemoryError("no memory")
        return predict(latents, timesteps, conditions)

    monkeypatch.setattr(sd.family, "predict", memory_for_two_rows)
    with running(sd, max_rows=16) as engine:
        assert_same_pictures(engine.submit(APPLE).result(60), expected)
        assert engine.max_rows == 2


def test_not_even_one_row_fits(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the request fails with a sentence, and the engine serves on."""

    def no_memory(latents: Any, timesteps: Any, conditions: Any) -> Any:
        raise torch.OutOfMemoryError("no memory")

    with running(sd) as engine:
        with monkeypatch.context() as patch:
            patch.setattr(sd.family, "predict", no_memory)
            with pytest.raises(ModelError, match="not enough memory"):
                engine.submit(APPLE).result(60)
        assert len(engine.submit(APPLE).result(60)) == 2


def test_a_picture_of_no_numbers_is_an_error(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A black or random picture is never delivered as if it were one."""
    monkeypatch.setattr(sd.family, "predict", lambda latents, t, c: torch.full_like(latents, float("nan")))
    with running(sd) as engine, pytest.raises(ModelError, match="dissolved"):
        engine.submit(APPLE).result(60)


def test_the_next_step_never_waits_for_decoding(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one picture is stuck in the decode lane, another request takes all of its steps."""
    release, stuck = threading.Event(), threading.Event()
    decode = sd.vae.decode

    def slow_decode(*arguments: Any, **options: Any) -> Any:
        stuck.set()
        assert release.wait(60)
        return decode(*arguments, **options)

    monkeypatch.setattr(sd.vae, "decode", slow_decode)
    with running(sd) as engine:
        first = engine.submit(APPLE)
        assert stuck.wait(60)
        second = engine.submit(altered(APPLE, sampler="euler"))
        assert [event.step for event in itertools.islice(second.events(), 6)] == [1, 2, 3, 4, 5, 6]
        assert not first.done
        release.set()
        assert len(first.result(60)) == len(second.result(60)) == 2


def test_urgent_requests_go_first_when_rows_are_short(sd: Bundle) -> None:
    """A later, more urgent request finishes while the earlier one waits."""
    with running(sd, max_rows=4) as engine:
        slow, urgent = submit_together(engine, [altered(APPLE, num_inference_steps=300), APPLE])
        urgent_late = engine.submit(APPLE, urgency=-1.0)
        urgent_late.result(60)
        assert not slow.done
        slow.cancel()
        urgent.cancel()


def test_closing_ends_every_ticket(sd: Bundle) -> None:
    """Nobody waits for ever on a closed engine, and it takes nothing more."""
    with running(sd) as engine:
        tickets = [engine.submit(altered(APPLE, num_inference_steps=900)) for _ in range(3)]
        next(tickets[0].events())
    for ticket in tickets:
        with pytest.raises(Cancelled):
            ticket.result(60)
    with pytest.raises(ModelError, match="closing"):
        engine.submit(APPLE)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"width": 33}, "multiples of 8"),
        ({"height": 0}, "multiples of 8"),
        ({"noises": ()}, "1 to 4 images"),
        ({"num_inference_steps": 0}, "steps"),
        ({"stop_at": 1.5}, "stop_at"),
        ({"chaos": -1.0}, "chaos"),
        ({"sampler": "magic"}, "magic"),
        ({"sampler": "flow_euler"}, "flow_euler"),
        ({"parts": (("a", 1.0), ("b", -1.0))}, "weights"),
        ({"keep": Keep(BLACK, np.zeros((8, 8), np.uint8))}, "mask"),
        ({"keep": Keep(BLACK[:8, :8], np.zeros((8, 8), np.uint8))}, "32x32x3"),
        ({"start": Start(((BLACK, 1.0),), 1.5)}, "strength"),
        ({"start": Start(((BLACK, 0.0),), 0.5)}, "weights"),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(sd: Bundle, changes: dict[str, Any], word: str) -> None:
    """Before anything is queued, with a sentence that names the trouble."""
    with pytest.raises(ModelError, match=word):
        Engine(sd).submit(altered(APPLE, **changes))


def test_a_guidance_interval_leaves_negative_rows_out(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator's shortcut: guidance only in the middle of the steps; the rows outside are saved."""
    recorder = Recorder(sd, monkeypatch)
    with running(sd, shortcuts=Shortcuts(guidance_interval=(0.3, 0.7))) as engine:
        engine.submit(altered(APPLE, num_inference_steps=10)).result(60)
    assert recorder.rows == [2] * 3 + [4] * 5 + [2] * 2


def test_a_guidance_interval_counts_the_steps_that_a_start_leaves_out(
    sd: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is about how much noise there is: a picture that goes on from another one has less from its first step on."""
    recorder = Recorder(sd, monkeypatch)
    with running(sd, shortcuts=Shortcuts(guidance_interval=(0.3, 1.0))) as engine:
        engine.submit(altered(APPLE, num_inference_steps=10, start=Start(((BLACK, 1.0),), 0.5))).result(60)
    assert recorder.rows == [4] * 5


def test_prompts_are_encoded_once(sd: Bundle) -> None:
    """A reroll or a variation finds its prompt, and the empty one beside it, in the cache."""
    with running(sd) as engine:
        engine.submit(altered(APPLE, parts=(("never seen before", 1.0),))).result(60)
        misses = sd.prompts.misses if sd.prompts else None
        engine.submit(altered(APPLE, parts=(("never seen before", 1.0),))).result(60)
    assert sd.prompts is not None
    assert sd.prompts.misses == misses
