"""Parts of a picture with words of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.drawing import generate
from model.errors import ModelError
from model.request import Area, Request
from tests.model.conftest import assert_same_pictures, level_difference, running, submit_together
from tests.model.families.test_stock import asked, bundle_of

FAMILIES = ["stable-diffusion", "stable-diffusion-xl", "z-image", "qwen-image"]


def left(request: Request) -> np.ndarray:
    """The left half of the picture that is asked for."""
    mask = np.zeros((request.size.height, request.size.width), np.uint8)
    mask[:, : request.size.width // 2] = 255
    return mask


@pytest.mark.parametrize("name", FAMILIES)
def test_an_area_changes_the_picture_alone_and_in_company(name: str) -> None:
    """Beside strangers it is what it is alone, and they are not touched; with the strength 0 nothing changes."""
    bundle = bundle_of(name)
    plain = asked(bundle)
    mapped = replace(plain, areas=(Area("a blue hat", left(plain)), Area("f", 255 - left(plain), 0.5)))
    idle = replace(plain, areas=(Area("a blue hat", left(plain), 0.0),))
    alone = [generate(bundle, request) for request in (plain, mapped)]
    assert level_difference(alone[0], alone[1]) >= 1
    assert_same_pictures(generate(bundle, idle), alone[0])
    with running(bundle, max_rows=64) as engine:
        for ticket, expected in zip(submit_together(engine, [plain, mapped]), alone, strict=True):
            assert_same_pictures(ticket.result(60), expected)


def test_what_makes_no_sense_is_refused() -> None:
    """A strength beyond 1, and areas for a model that reads no words."""
    bundle = bundle_of("stable-diffusion")
    with pytest.raises(ModelError, match="strength"):
        generate(bundle, replace(asked(bundle), areas=(Area("a", left(asked(bundle)), 1.5),)))
