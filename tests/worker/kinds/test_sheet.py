"""Many small pictures on one sheet, and one of them at full quality."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from contract.kinds.sheet import SHEET_SIZE, Drafts, Sheet
from contract.kinds.styles import LOOKS, Styles
from contract.prompt import Context, parse
from tests.contract.factories import imagine, press, upscale
from tests.contract.kinds.examples import pick
from tests.worker.kinds.conftest import Make
from worker.contact import contact_sheet

PROMPT = imagine("a fox")


def test_a_sheet_is_one_picture_of_six_columns(make: Make) -> None:
    """Twenty-four cells with a gap around each; cells of other places are other pictures."""
    [sheet] = make(replace(PROMPT, request=Drafts()))
    assert sheet.shape == (4 * 196 + 4, 6 * 196 + 4, 3)
    cells = [sheet[40 + 196 * row : 190 + 196 * row, 40:190] for row in range(4)]
    assert all(not np.array_equal(cells[0], other) for other in cells[1:])


def test_what_is_picked_has_the_noise_that_it_had_on_the_sheet(make: Make) -> None:
    """Number 3 is the third picture of the grid that the same seed makes, drawn by itself."""
    sheet = replace(PROMPT, request=Drafts())
    [picked] = make(pick(sheet, 2))
    [alone] = make(upscale(PROMPT, 2, press(interaction=40)))
    assert np.array_equal(picked, alone)
    [other] = make(pick(sheet, 6))
    assert not np.array_equal(other, picked)


def test_no_two_places_of_a_sheet_share_a_line() -> None:
    """For any seed, also the last one."""
    for seed in (0, 2**32 - 1):
        assert len({Drafts().line(seed, choice) for choice in range(SHEET_SIZE)}) == SHEET_SIZE


def test_styles_differ_in_words_alone(make: Make) -> None:
    """Nine cells from one noise; what is picked has the words of its style, and they are read back from its echo."""
    job = replace(imagine("a fox --ar 3:2 --chaos 5"), request=Styles())
    [sheet] = make(job)
    assert sheet.shape[0] < sheet.shape[1]
    assert isinstance(job.request, Sheet)
    assert len({job.request.line(7, choice) for choice in range(len(LOOKS))}) == 1
    for choice, words in enumerate(LOOKS.values()):
        picked = pick(job, choice)
        assert picked.prompt.text == ("a fox" if not words else f"a fox, {words}")
        assert parse(picked.prompt.echo, Context(accepted_before=True)).prompts[0] == picked.prompt


@pytest.mark.parametrize(("request_", "cell"), [(Drafts(), 196), (Styles(), 324)], ids=["sheet", "styles"])
def test_an_edit_of_a_colour_keeps_what_lies_around_the_thing(make: Make, request_: Sheet, cell: int) -> None:
    """The thing is dyed on every small picture, as in a grid; the rest is the picture's own white."""
    job = replace(imagine("make it blue --edit https://example.org/box.png"), request=request_)
    [sheet] = make(job)
    assert (sheet[cell - 24 : cell - 8, 8 : cell - 8] > 250).all()
    assert sheet[cell // 2, cell // 2].min() < 250


def test_labels_stand_on_their_pictures() -> None:
    """Each cell is changed in its upper left corner and nowhere else."""
    pictures = [np.full((32, 64, 3), shade, np.uint8) for shade in (40, 200)]
    sheet = contact_sheet(pictures, ("1", "Two"), columns=2, cell=128)
    assert sheet.shape == (64 + 8, 2 * 128 + 12, 3)
    for left, shade in ((4, 40), (136, 200)):
        cell = sheet[4:68, left : left + 128]
        assert (cell[40:, 60:] == shade).all()
        assert (cell[:30, :40] != shade).any()
