"""Pictures of posted messages, cut out of their files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from contract.kinds.attached import Attached
from exchange.images import FolderStore
from tests.contract.factories import imagine, press, upscale
from tests.worker.kinds.conftest import Make
from worker.encoding import assemble_grid, encode_lossless
from worker.intake import input_name

LINK = "https://example.org/grid.png"


def test_each_picture_of_a_grid_is_found_again(make: Make, store: FolderStore) -> None:
    """In the order in which a delivery puts them together; U goes on from the one it names."""
    pictures = [np.full((8, 12, 3), 50 * number, np.uint8) for number in range(4)]
    sheet = assemble_grid(pictures)
    grid = replace(imagine("a fox"), request=Attached(LINK, sheet.shape[1], sheet.shape[0], 4))
    store.put_input(grid.id, input_name(0), encode_lossless(sheet, parameters=LINK).data)
    for index, picture in enumerate(pictures):
        [found] = make(upscale(grid, index, press(interaction=90 + index)))
        assert np.array_equal(found, picture)
    assert all(np.array_equal(one, other) for one, other in zip(make(grid), pictures, strict=True))
