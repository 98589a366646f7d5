"""A job becomes a request by numbers alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from contract.catalogue import EASEL_SMALL
from contract.jobs import Generation, Job, Speed, Strength
from contract.planning import plan
from model import VARIATION_STRONG, VARIATION_SUBTLE, IPAdapterUse, LoraUse, NoiseSource, Request, Size, Start
from tests.contract.factories import imagine, press, reroll, upscale, variation
from worker.render import PREVIEWS, noise_for, preview_interval, request_for, urgency_of


def request(job: Job) -> Request:
    """The request of a job on the small model."""
    return request_for(job, plan(job, EASEL_SMALL))


def test_a_grid_is_four_pictures_of_one_seed() -> None:
    """The seed in the job's id, spread by index."""
    made = request(imagine(seed=42))
    assert made.noises == tuple(NoiseSource(42, index) for index in range(4))
    assert made.prompt.parts == (("a fox", 1.0),)
    assert made.size == Size(64, 64)
    assert made.sampling.num_inference_steps == EASEL_SMALL.num_inference_steps
    assert made.sampling.sampler == EASEL_SMALL.sampler


def test_loras_go_into_the_request() -> None:
    """With their weights, also where a button makes the next picture."""
    inked = replace(EASEL_SMALL, loras={"ink": "ink.safetensors"})
    grid = imagine("a fox <lora:ink:.5>")
    for job in (grid, variation(grid, 1, Strength.SUBTLE, press())):
        assert request_for(job, plan(job, inked)).controls == (LoraUse("ink", 0.5),)


def test_seed_zero_is_a_seed() -> None:
    """Not "no seed"."""
    assert request(imagine(seed=0)).noises[0] == NoiseSource(0, 0)


def test_variations_turn_the_noise_of_their_source() -> None:
    """Four departures from one picture, subtle nearer than strong, and a variation of a variation remembers both."""
    grid = imagine(seed=1)
    subtle = variation(grid, 2, Strength.SUBTLE, press(seed=2))
    assert request(subtle).noises == tuple(NoiseSource(1, 2, ((2, index, VARIATION_SUBTLE),)) for index in range(4))
    strong = variation(subtle, 3, Strength.STRONG, press(seed=3, interaction=9))
    assert request(strong).noises[0] == NoiseSource(1, 2, ((2, 3, VARIATION_SUBTLE), (3, 0, VARIATION_STRONG)))
    assert 0 < VARIATION_SUBTLE < VARIATION_STRONG < 1


def test_a_single_picture_drawn_again_is_the_picture_of_the_grid() -> None:
    """U3 of a lost grid asks for the same noise, size, steps and scale as picture 3 of the grid."""
    for prompt in ("a fox", "a fox --q .5", "a fox --ar 2:1 --chaos 40 --s 500"):
        grid = imagine(prompt, seed=9)
        whole, alone = request(grid), request(upscale(grid, 2, press()))
        assert alone.noises == (whole.noises[2],)
        assert (alone.prompt, alone.size, alone.sampling) == (whole.prompt, whole.size, whole.sampling), prompt


def test_a_single_picture_of_a_variation_is_the_picture_of_the_variation() -> None:
    """`--quality` buys steps for first grids only, so neither the variation nor its single picture has them."""
    grid = imagine("a fox --q .5", seed=9)
    varied = variation(grid, 1, Strength.STRONG, press())
    assert request(varied).sampling.num_inference_steps == EASEL_SMALL.num_inference_steps
    alone = upscale(varied, 0, press(interaction=10))
    assert request(alone).sampling.num_inference_steps == EASEL_SMALL.num_inference_steps


def test_a_reroll_changes_nothing_but_the_noise() -> None:
    """Same words and numbers, another seed."""
    grid = imagine("a fox --ar 2:1 --no snow", seed=9)
    again = request(reroll(grid, press(seed=10)))
    assert {noise.seed for noise in again.noises} == {10}
    assert again.prompt.negatives == request(grid).prompt.negatives == ("snow",)
    assert again.size == request(grid).size


def test_weights_and_flags_arrive() -> None:
    """Parts keep their weights; shares run from 0 to 1."""
    made = request(imagine("fire::2 ice::-.5 --chaos 50 --weird 1500 --stop 40 --tile"))
    assert made.prompt.parts == (("fire", 2.0), ("ice", -0.5))
    assert (made.prompt.chaos, made.prompt.weird, made.sampling.stop_at, made.size.tile) == (0.5, 0.5, 0.4, True)


A, B = "https://example.org/a.png", "https://example.org/b.png"
PICTURES = {A: np.zeros((8, 8, 3), np.uint8), B: np.ones((8, 8, 3), np.uint8)}
LOOKING = replace(EASEL_SMALL, ip_adapters={"plain": ("a", "b"), "my-style": ("a", "b")})


def test_linked_pictures_weigh_as_written() -> None:
    """A picture's own weight times the weight of all pictures."""
    job = imagine(f"{A}::2 {B} a fox --iw .5")
    made = request_for(job, plan(job, EASEL_SMALL), pictures=PICTURES)
    assert made.start is not None
    assert [weight for _, weight in made.start.pictures] == [1.0, 0.5]
    assert made.start.pictures[1][0] is PICTURES[B]


def test_an_adapter_looks_at_linked_pictures() -> None:
    """Where the model has one, it does not start from them; without words guidance still moves towards them."""
    job = imagine(f"{A} {B} --iw 2")
    made = request_for(job, plan(job, LOOKING), pictures=PICTURES)
    assert made.start is None
    uses = [use for use in made.controls if isinstance(use, IPAdapterUse)]
    assert [use.name for use in uses] == ["plain", "plain"]
    assert [use.picture for use in uses] == [PICTURES[A], PICTURES[B]]
    assert made.prompt.parts == (("", 1.0),)


def test_style_references_are_seen_for_their_style() -> None:
    """By the adapter that is for it, in the layers that carry style; a style's number is mixed into the words."""
    job = imagine(f"a fox --sref {A} 77")
    made = request_for(job, plan(job, LOOKING), pictures=PICTURES)
    [use] = made.controls
    assert isinstance(use, IPAdapterUse)
    assert (use.name, use.style_only) == ("my-style", True)
    assert use.scale == pytest.approx(0.5, abs=0.01)
    assert sum(share for _, share in made.prompt.styles) == pytest.approx(0.5, abs=0.01)


def test_what_is_painted_around_a_picture_keeps_the_style() -> None:
    """Buttons that start from a picture look at the same references, and do not start from another one."""
    job = imagine(f"a fox --sref {A}")
    start = Start(((PICTURES[B], 1.0),), 0.7)
    made = request_for(job, plan(job, LOOKING), pictures=PICTURES, start=start)
    assert made.start is start
    assert len(made.controls) == 1


def test_every_job_shows_about_ten_previews() -> None:
    """However many steps it takes; never less often than every step."""
    job = imagine()
    for steps in (1, 8, 20, 50):
        asked = replace(plan(job, EASEL_SMALL), num_inference_steps=steps)
        assert preview_interval(asked) == max(1, round(steps / PREVIEWS))


def test_a_broken_line_of_generations_is_refused() -> None:
    """Only the first of a line starts it."""
    with pytest.raises(ValueError, match="only the first"):
        noise_for((Generation(1, 0), Generation(2, 0)))


def test_short_and_pressed_work_goes_first() -> None:
    """A single picture before a draft before a re-roll before a first grid; speeds outweigh all of that."""
    grid = imagine()
    jobs = [
        replace(grid, speed=Speed.TURBO),
        upscale(grid, 0, press()),
        imagine("a fox --v 7 --draft"),
        reroll(grid, press()),
        grid,
        imagine("a fox --q 2"),
        replace(grid, speed=Speed.RELAX),
    ]
    urgencies = [urgency_of(job, plan(job, EASEL_SMALL)) for job in jobs]
    assert urgencies == sorted(urgencies)
    assert len(set(urgencies)) == len(jobs)
