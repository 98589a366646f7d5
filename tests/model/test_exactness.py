"""A picture does not depend on its company: alone, among strangers, late, interrupted, in any order, it is the same."""

from dataclasses import replace

import numpy as np
import pytest

from model.components import Bundle
from model.drawing import generate
from model.request import Request, text_to_image
from tests.model.conftest import Recorder, assert_same_pictures, running, submit_together


def mixed_requests() -> list[Request]:
    """Every sampler; different prompts, seeds, steps, guidance (also off) and numbers of images."""
    samplers = ["ddim", "dpmpp_2m", "euler", "euler_a", "unipc", "ddpm", "lcm", "ddim"]
    return [
        text_to_image(
            f"a {['red', 'green', 'blue'][k % 3]} thing",
            seed=k,
            size=(32, 32),
            images=1 + k % 4,
            sampler=sampler,
            num_inference_steps=4 + k,
            guidance_scale=(1.0, 3.0, 7.5)[k % 3],
            negatives=("ugly",) if k % 2 else (),
        )
        for k, sampler in enumerate(samplers)
    ]


def test_alone_equals_among_strangers(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """All share forwards, and each gets the picture it would have got alone."""
    requests = mixed_requests()
    alone = [generate(sd, request) for request in requests]
    recorder = Recorder(sd, monkeypatch)
    with running(sd, max_rows=64) as engine:
        together = [ticket.result(60) for ticket in submit_together(engine, requests)]
    assert len(recorder.rows) == max(request.sampling.num_inference_steps for request in requests)
    assert recorder.rows[0] == sum(len(r.noises) * (1 + (r.sampling.guidance_scale > 1)) for r in requests)
    equal = 0
    for ones, others in zip(alone, together, strict=True):
        assert_same_pictures(ones, others)
        equal += all(np.array_equal(one, other) for one, other in zip(ones, others, strict=True))
    print(f"{equal} of {len(requests)} requests are equal bit by bit")  # pytest -s shows it


def test_a_forward_in_slices_gives_the_same_pictures(sd: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request of more rows than fit one forward is cut, and nobody can tell from the picture."""
    request = text_to_image("a boat", seed=1, size=(32, 32), num_inference_steps=3)
    whole = generate(sd, request)
    recorder = Recorder(sd, monkeypatch)
    with running(sd, max_rows=3) as engine:
        assert_same_pictures(engine.submit(request).result(60), whole)
    assert recorder.rows == [3, 3, 2] * 3


@pytest.mark.parametrize("sampler", ["ddim", "euler_a", "dpmpp_2m"])
def test_image_three_alone_is_image_three_of_the_grid(sd: Bundle, sampler: str) -> None:
    """Any subset of a grid gives the same pictures."""
    grid = text_to_image("a tree", seed=2**32 - 1, size=(32, 32), num_inference_steps=4, sampler=sampler)
    pictures = generate(sd, grid)
    assert_same_pictures(generate(sd, replace(grid, noises=grid.noises[2:3])), pictures[2:3])
    assert_same_pictures(generate(sd, replace(grid, noises=(grid.noises[3], grid.noises[1]))), pictures[3:0:-2])


def test_a_late_joiner_gets_its_own_picture(sd: Bundle) -> None:
    """Joining a batch that is half way changes neither picture, with multistep histories of different age."""
    first = text_to_image("a cat", seed=1, size=(32, 32), images=2, num_inference_steps=12, sampler="dpmpp_2m")
    late = text_to_image("a dog", seed=2, size=(32, 32), images=1, num_inference_steps=5, sampler="unipc")
    alone = generate(sd, first), generate(sd, late)
    with running(sd) as engine:
        early_ticket = engine.submit(first)
        events = early_ticket.events()
        while next(events).step < 5:
            pass
        late_ticket = engine.submit(late)
        assert_same_pictures(early_ticket.result(60), alone[0])
        assert_same_pictures(late_ticket.result(60), alone[1])


@pytest.mark.parametrize("sampler", ["dpmpp_2m", "ddpm"])
def test_paused_and_resumed_is_undisturbed(sd: Bundle, sampler: str) -> None:
    """A paused request keeps latents, history and generators, while others go on."""
    request = text_to_image("a fox", seed=4, size=(32, 32), images=2, num_inference_steps=8, sampler=sampler)
    other = text_to_image("a hen", seed=5, size=(32, 32), images=1, num_inference_steps=6)
    alone = generate(sd, request)
    with running(sd) as engine:
        ticket = engine.submit(request)
        for event in ticket.events():
            if event.step == 3:
                ticket.pause()
                break
        engine.submit(other).result(60)
        assert not ticket.done
        ticket.resume()
        assert_same_pictures(ticket.result(60), alone)


def test_the_order_of_arrival_does_not_matter(sd: Bundle) -> None:
    """The same requests backwards give the same pictures."""
    requests = mixed_requests()[:5]
    with running(sd, max_rows=64) as engine:
        forwards = [ticket.result(60) for ticket in submit_together(engine, requests)]
        backwards = [ticket.result(60) for ticket in submit_together(engine, requests[::-1])]
    for ones, others in zip(forwards, backwards[::-1], strict=True):
        assert_same_pictures(ones, others)


@pytest.mark.parametrize("max_rows", [64, 6])
def test_shapes_take_turns_and_stay_exact(sd: Bundle, monkeypatch: pytest.MonkeyPatch, max_rows: int) -> None:
    """Different sizes cannot share a UNet's forward; both advance, and both are as if alone."""
    requests = [
        text_to_image("a car", seed=1, size=(32, 32), images=1, num_inference_steps=4),
        text_to_image("a car", seed=1, size=(48, 32), images=2, num_inference_steps=4),
        text_to_image("a bus", seed=2, size=(32, 32), images=2, num_inference_steps=4),
    ]
    alone = [generate(sd, request) for request in requests]
    recorder = Recorder(sd, monkeypatch)
    with running(sd, max_rows=max_rows) as engine:
        together = [ticket.result(60) for ticket in submit_together(engine, requests)]
    for ones, others in zip(alone, together, strict=True):
        assert_same_pictures(ones, others)
    assert set(recorder.rows) == {6, 4}


def test_z_image_mixes_sizes_in_one_forward(z_image: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows are sequences: other sizes, prompt lengths, steps and guidance share each forward."""
    requests = [
        text_to_image("a car", seed=1, size=(32, 32), images=2, num_inference_steps=4, sampler="flow_euler"),
        text_to_image(
            "a long bus in the rain", seed=2, size=(48, 32), images=1, num_inference_steps=4, sampler="flow_euler"
        ),
        text_to_image(
            "x", seed=3, size=(32, 40), images=1, num_inference_steps=4, guidance_scale=1.0, sampler="flow_euler"
        ),
    ]
    alone = [generate(z_image, request) for request in requests]
    recorder = Recorder(z_image, monkeypatch)
    with running(z_image, max_rows=64) as engine:
        together = [ticket.result(60) for ticket in submit_together(engine, requests)]
    assert recorder.rows == [7, 7, 7, 7]
    for ones, others in zip(alone, together, strict=True):
        assert_same_pictures(ones, others)


def test_sdxl_and_pixel_models_are_exact_in_company(sdxl: Bundle, ddpm: Bundle) -> None:
    """The same holds for every family."""
    for bundle, size, sampler in ((sdxl, (32, 32), "euler"), (ddpm, (16, 16), "ddpm")):
        requests = [
            text_to_image("a b", seed=k, size=size, images=1 + k, num_inference_steps=4 + k, sampler=sampler)
            for k in range(3)
        ]
        alone = [generate(bundle, request) for request in requests]
        with running(bundle, max_rows=64) as engine:
            together = [ticket.result(60) for ticket in submit_together(engine, requests)]
        for ones, others in zip(alone, together, strict=True):
            assert_same_pictures(ones, others)
