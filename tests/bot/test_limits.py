"""What is sent fits, and what is cut is cut where it does no harm."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.limits import fit, pages

LINES = st.lists(st.text(st.characters(blacklist_categories=["Zl", "Zp", "Cc"]), max_size=60))


@given(st.text(alphabet="ab\\\\*", max_size=80), st.integers(2, 40))
def test_a_cut_text_fits_and_ends_outside_an_escape(text: str, limit: int) -> None:
    """A backslash that lost what it escapes would escape the ellipsis, or the mark that follows."""
    cut = fit(text, limit)
    assert len(cut) <= limit
    if cut != text:
        kept = cut.removesuffix("…")
        assert text.startswith(kept)
        assert (len(kept) - len(kept.rstrip("\\"))) % 2 == 0


@given(LINES)
def test_pages_fit_and_hold_all_words_in_their_order(lines: list[str]) -> None:
    """A line is whole on one page, unless it is longer than a page: then it is broken between its words."""
    found = pages(lines, 50)
    assert all(len(page) <= 50 for page in found)
    assert "".join("".join(found).split()) == "".join("".join(lines).split())


@given(st.lists(st.text(alphabet="abc", min_size=1, max_size=50), min_size=1))
def test_short_lines_are_never_broken(lines: list[str]) -> None:
    """As many as fit stand on each page."""
    found = pages(lines, 50)
    assert "\n".join(found).split("\n") == lines
    starts = [page.split("\n")[0] for page in found[1:]]
    assert all(len(page) + 1 + len(start) > 50 for page, start in zip(found, starts, strict=False))


def test_no_lines_are_one_empty_page() -> None:
    """There is always something to show."""
    assert pages([]) == [""]
