"""Job ids carry what a button needs when nothing else is left."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.ids import draw_seed, job_id, model_fingerprint_of, nonce, parse_job_id, seed_of

WORDS = st.integers(0, 2**32 - 1)
SNOWFLAKES = st.integers(0, 2**63 - 1)


@given(WORDS, WORDS, SNOWFLAKES, st.integers(0, 39))
def test_an_id_gives_back_seed_and_model(seed: int, model: int, interaction: int, ordinal: int) -> None:
    """Every seed and fingerprint survives the trip through a UUID, which is a version-8 one."""
    made = job_id(seed, model, interaction, ordinal)
    assert (seed_of(made), model_fingerprint_of(made)) == (seed, model)
    assert uuid.UUID(made).version == 8
    assert parse_job_id(made) == made


def test_one_interaction_makes_one_id() -> None:
    """Submitting twice is harmless; another interaction or another ordinal makes another id."""
    assert job_id(1, 2, 3) == job_id(1, 2, 3)
    assert len({job_id(1, 2, 3), job_id(1, 2, 4), job_id(1, 2, 3, ordinal=1)}) == 3


def test_a_drawn_seed_repeats_for_its_interaction_only() -> None:
    """A retry of an interaction draws the same seed; others are spread over the whole range."""
    assert draw_seed(7) == draw_seed(7)
    seeds = {draw_seed(number) for number in range(2000)}
    assert len(seeds) == 2000
    assert max(seeds) > 2**31 > min(seeds)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    """A seed has 32 bits."""
    with pytest.raises(ValueError, match="seed must be between 0 and"):
        job_id(seed, 0, 0)


@pytest.mark.parametrize(
    "text", ["", "fox", "9fb2169b-d2e4-4237-a140-564ae0e120da", job_id(1, 2, 3).upper(), "{" + job_id(1, 2, 3) + "}"]
)
def test_what_is_not_a_job_id_is_refused(text: str) -> None:
    """Only the exact lower-case form of a version-8 UUID is one."""
    with pytest.raises(ValueError):  # noqa: PT011 - uuid words its own errors
        parse_job_id(text)


def test_a_nonce_fits_discord() -> None:
    """25 characters at most, the same for the same job, different for others."""
    assert len(nonce(job_id(1, 2, 3))) == 25
    assert nonce(job_id(1, 2, 3)) == nonce(job_id(1, 2, 3)) != nonce(job_id(1, 2, 4))
