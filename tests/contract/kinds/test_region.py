"""A part that is chosen of a picture, before anything is drawn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.actions import Action
from contract.errors import UserError
from contract.jobs import Chosen
from tests.contract.factories import follow, imagine, press, upscale

SINGLE = upscale(imagine("a fox --ar 3:2"), 1, press())
COPY = "https://example.org/copy.png"


def painted(width: int, height: int) -> None:
    """A form is sent with a copy of this size."""
    follow(SINGLE, Action.VARY_REGION, replace(press(), region=Chosen(0, COPY, size=(width, height))))


@pytest.mark.parametrize("size", [(1536, 1024), (120, 80), (3000, 2040)])
def test_a_copy_may_be_of_any_size(size: tuple[int, int]) -> None:
    """Phones make pictures smaller; what counts is the shape, roughly."""
    painted(*size)


@pytest.mark.parametrize("size", [(1024, 1536), (1024, 1024), (300, 100)])
def test_a_copy_of_another_shape_is_refused(size: tuple[int, int]) -> None:
    """It is a copy of something else, or was cut: said before a job is accepted."""
    with pytest.raises(UserError) as refused:
        painted(*size)
    assert (refused.value.kind, refused.value.values) == ("region_copy", {"reason": "shape"})
