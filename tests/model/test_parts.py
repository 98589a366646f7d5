"""Seeds, sizes, prompts, turns: the small parts by themselves."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch

from model import seeds
from model.components import Bundle
from model.errors import ModelError
from model.previews import sheet_of
from model.request import NoiseSource
from model.schedulers import Sampler
from model.sizes import fit_size
from model.text import PromptCache
from model.turns import Candidate, Turns
from model.vae import fit

SHAPE = (4, 32, 32)


def drawn(seed: int, index: int = 0, *ancestors: tuple[int, int, float]) -> torch.Tensor:
    return seeds.draw(NoiseSource(seed, index, ancestors), SHAPE)[0]


def correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])


def test_zero_is_a_seed_and_the_whole_range_counts() -> None:
    """No two of these share their noise, and each is repeatable."""
    every = [drawn(seed, index) for seed in (0, 1, 2**31, 2**32 - 1) for index in range(4)]
    for k, one in enumerate(every):
        assert all(abs(correlation(one, other)) < 0.1 for other in every[:k])
    assert torch.equal(drawn(2**32 - 1, 3), every[-1])


def test_the_first_image_is_the_plain_diffusers_seed() -> None:
    """Somebody who knows the seed can repeat the picture with the library alone."""
    assert torch.equal(drawn(42), torch.randn((1, *SHAPE), generator=torch.Generator().manual_seed(42)))


def test_a_turn_goes_from_the_parent_to_the_new_draw() -> None:
    """Strength 0 is the parent, 1 the new draw, and in between it is still noise of variance one."""
    parent, new = drawn(1), drawn(2, 3)
    assert torch.allclose(drawn(1, 0, (2, 3, 0.0)), parent, atol=1e-6)
    assert torch.allclose(drawn(1, 0, (2, 3, 1.0)), new, atol=1e-6)
    half = drawn(1, 0, (2, 3, 0.5))
    assert abs(float(half.std()) - 1) < 0.03
    assert abs(correlation(half, parent) - correlation(half, new)) < 0.05
    chain = drawn(1, 0, (2, 3, 0.5), (9, 0, 0.25))
    assert correlation(chain, half) > correlation(chain, parent) > correlation(chain, drawn(9)) > 0.1


def test_a_turn_towards_itself_stays() -> None:
    """No division by the sine of nothing."""
    assert torch.allclose(drawn(5, 1, (5, 1, 0.3)), drawn(5, 1), atol=1e-6)


def test_side_streams_leave_the_noise_alone() -> None:
    """Different purposes and images have different streams."""
    streams = [
        torch.randn(64, generator=seeds.side_stream(NoiseSource(7, index), purpose))
        for index in range(2)
        for purpose in range(2)
    ]
    assert len({tuple(stream.tolist()) for stream in streams}) == 4


@pytest.mark.parametrize(
    ("aspect", "pixels", "size"),
    [
        ((1, 1), None, (32, 32)),
        ((2, 1), None, (48, 24)),
        ((1, 2), None, (24, 48)),
        ((16, 9), 64 * 64, (88, 48)),
        ((100, 1), None, (320, 8)),
    ],
)
def test_sizes_fit_the_grid(sd: Bundle, aspect: tuple[int, int], pixels: int | None, size: tuple[int, int]) -> None:
    """Multiples of the grid, near the aspect and near the area."""
    assert sd.grid == 8
    assert fit_size(sd, *aspect, pixels=pixels) == size


def test_schedulers_are_fresh_and_share_no_state(sd: Bundle) -> None:
    """What one request's scheduler learns, another's does not know; the betas are shared and never written."""
    sampler = Sampler("deis", sd.scheduler_config)
    one, other = sampler.fresh(), sampler.fresh()
    one.set_timesteps(4)
    betas = one.betas.clone()
    one.step(torch.ones(1, 4, 2, 2), one.timesteps[0], torch.ones(1, 4, 2, 2))
    assert other.num_inference_steps is None
    assert other.model_outputs == [None, None]
    assert one.betas is other.betas
    assert torch.equal(one.betas, betas)


def test_an_unknown_sampler_is_named() -> None:
    """With those there are."""
    with pytest.raises(ModelError, match=r"warp.*ddim"):
        Sampler("warp", {})


def test_the_cache_forgets_the_oldest(sd: Bundle) -> None:
    """It holds a bounded number of prompts, and an entry that was used lately stays."""
    assert sd.text is not None
    cache = PromptCache(sd.text, lambda loras: nullcontext(), size=2)
    first = cache.get("one")
    cache.get("two")
    assert cache.get("one") is first
    cache.get("three")
    assert cache.get("one") is first
    cache.get("two")
    assert (cache.hits, cache.misses) == (2, 4)


def test_long_prompts_are_cut_at_the_models_length(sd: Bundle) -> None:
    """What is beyond `max_tokens` changes nothing."""
    assert sd.max_tokens == 14
    assert sd.text is not None
    start = "a" + " a" * 13
    assert torch.equal(sd.text.encode(start).hidden, sd.text.encode(start + " b c").hidden)


def test_nasty_prompts_are_only_text(sd: Bundle) -> None:
    """Brackets, controls and nonsense are encoded like any other words, at once."""
    assert sd.text is not None
    for text in ("(" * 500, "\0\ufffd\u202e", "[[a:b:0.5]]" * 50, "🦊" * 300, " "):
        assert bool(torch.isfinite(sd.text.encode(text).hidden).all())


def test_pictures_are_fitted_by_cutting_the_middle() -> None:
    """No distortion: the left and right of a wide picture go."""
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 200
    assert fit(wide, 10, 10).min() >= 195
    assert fit(wide, 60, 20).shape == (20, 60, 3)
    assert fit(np.full((1, 500, 3), 7, np.uint8), 16, 16).max() == 7


def test_a_sheet_of_three_leaves_the_fourth_dark() -> None:
    """Two by two in reading order."""
    sheet = sheet_of(np.stack([np.full((1, 1, 3), level, np.uint8) for level in (1, 2, 3)]))
    assert sheet[..., 0].tolist() == [[1, 2], [3, 0]]


def candidate(key: str, arrival: int, urgency: float = 0.0, rows: int = 8, cost: int = 8) -> Candidate:
    return Candidate(key, rows, cost, urgency, arrival)


def test_all_of_one_shape_go_together_while_they_fit() -> None:
    """In order of urgency, then arrival; what does not fit waits, what is small enough slips in."""
    turns = Turns()
    big, urgent, small = candidate("a", 1), candidate("a", 2, -1.0), candidate("a", 3, rows=2)
    assert turns.choose([big, urgent, small], 32) == [urgent, big, small]
    assert turns.choose([big, urgent, small], 10) == [urgent, small]
    assert turns.choose([big], 1) == [big]
    assert turns.choose([], 8) == []


def test_shapes_share_time_by_cost() -> None:
    """A shape that costs four times as much gets a quarter of the turns."""
    turns = Turns()
    small, large = candidate("small", 1, cost=1), candidate("large", 2, cost=4)
    chosen = [turns.choose([small, large], 8)[0] for _ in range(100)]
    assert 18 <= chosen.count(large) <= 22


def test_a_shape_that_comes_late_owes_nothing_and_is_owed_nothing() -> None:
    """Credit is not saved up while there is nothing to do."""
    turns = Turns()
    one, other = candidate("one", 1), candidate("other", 2)
    for _ in range(50):
        turns.choose([one], 8)
    chosen = [turns.choose([one, other], 8)[0] for _ in range(10)]
    assert chosen.count(one) == 5


def test_nothing_starves_under_urgent_work() -> None:
    """After its patience a passed-over request gets one step."""
    turns = Turns(patience=4)
    patient = candidate("a", 1)
    chosen = [turns.choose([patient, candidate("b", 2 + k, urgency=-5.0)], 8)[0] for k in range(20)]
    assert chosen.count(patient) == 4
