"""The card of the default model: what its command writes, and where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.default_card import CELL, COLUMNS, figures_table, section, sheet, write_section
from benchmarks.default_model import DEFAULT_MODEL

FOUND = {
    "top1": 0.906, "top1_real": 0.718, "diversity": 0.4, "by_noun": {"cat": 1.0, "bee": 0.25}, "passed": ["cat"],
    "bytes": 40_500_000, "seconds_per_grid": 0.24,
}  # fmt: skip


def test_the_table_has_a_column_for_the_student_where_there_is_one() -> None:
    """Shares are percentages, distances are not, and what was not measured is left empty."""
    table = figures_table(FOUND, {"top1": 0.895})
    assert "| noun seen first (`top1`) | 90.6 % | 89.5 % | 71.8 % |" in table
    assert "| difference within a grid (`diversity`) | 0.40 |  |  |" in table
    assert "student" not in figures_table(FOUND, None)


def test_the_section_sorts_nouns_by_whether_they_come_out() -> None:
    """And says what the model takes."""
    text = section(FOUND, None, (560_000_000, 816_000_000))
    assert "1 of 2): cat." in text
    assert "less surely**: bee." in text
    assert "40.5 MB on disk; 560 MB of memory" in text
    assert "816 MB while" in text


def test_only_what_stands_between_the_marks_is_replaced(tmp_path: Path) -> None:
    """A card without marks is left alone."""
    card = tmp_path / "README.md"
    card.write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")
    write_section(card, r"new \1")
    assert card.read_text() == "before\n<!-- figures -->\nnew \\1\n<!-- /figures -->\nafter\n"
    card.write_text("no marks")
    with pytest.raises(ValueError, match="figures"):
        write_section(card, "new")
    assert card.read_text() == "no marks"


def test_the_shipped_card_can_be_written(tmp_path: Path) -> None:
    """It has its marks, once."""
    copy = tmp_path / "README.md"
    copy.write_text((DEFAULT_MODEL / "README.md").read_text())
    write_section(copy, section(FOUND, None, (1, 1)))
    assert "1 of 2): cat." in copy.read_text()


def test_the_sheet_holds_every_grid() -> None:
    """Four columns of labelled grids, in any language."""
    grids = [(label, np.full((4, 8, 8, 3), 200, np.uint8)) for label in ("a cat", "红苹果", "x", "y", "z")]
    drawn = sheet(grids)
    assert drawn.width == COLUMNS * (4 * CELL + 12)
    assert drawn.getpixel((CELL // 2, 20 + CELL // 2)) == (200, 200, 200)
    assert drawn.getpixel((CELL // 2, drawn.height - CELL // 2)) == (200, 200, 200)
