"""Family trees, drawn from what the store has."""

from __future__ import annotations

import numpy as np

from contract.actions import Action
from contract.catalogue import EASEL_SMALL
from contract.derive import about
from contract.kinds.tree import Member, Tree
from tests.contract.factories import follow, imagine, press, upscale
from tests.worker.kinds.conftest import Make

GRID = imagine("a fox")
SINGLE = upscale(GRID, 1, press())
FIRST, SECOND = (follow(SINGLE, Action.ZOOM_2, press(seed=80 + n, interaction=80 + n)) for n in (1, 2))


def test_children_stand_to_the_right_of_their_parents(make: Make) -> None:
    """Three columns for three generations, two rows for two children; what the store lacks is an empty frame."""
    members = (
        Member(GRID.id, "imagine"),
        Member(SINGLE.id, "upscale", 0, 1),
        Member(FIRST.id, "zoom", 1, 0),
        Member(SECOND.id, "zoom", 1, 0),
    )
    tree = about(SINGLE, press(interaction=90), Tree(members))
    [empty] = make(tree)
    make(GRID)
    [drawn] = make(about(SINGLE, press(interaction=91), Tree(members)))
    assert drawn.shape == empty.shape
    [line] = make(about(SINGLE, press(interaction=92), Tree(members[:3])))
    assert line.shape[1] == drawn.shape[1]
    assert line.shape[0] < drawn.shape[0] < 2 * line.shape[0]
    changed = np.flatnonzero((drawn != empty).any(axis=(0, 2)))
    assert len(changed) > 0
    assert changed.max() < drawn.shape[1] // 3, "the store has the grid only"


def test_nothing_is_priced_and_nothing_is_drawn_by_the_model(make: Make) -> None:
    """It is put together only."""
    tree = about(SINGLE, press(interaction=93), Tree((Member(GRID.id, "imagine"),)))
    assert tree.request.effort(None, EASEL_SMALL) == 0
    assert len(make(tree)) == 1
