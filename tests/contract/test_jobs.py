"""A job answers what does not depend on its kind."""

from __future__ import annotations

from contract.jobs import Queue, Strength
from tests.contract.factories import imagine, press, upscale, variation

LINKED = imagine("https://example.org/a.png https://example.org/b.png a fox")


def test_pictures_from_the_web_are_taken_in_before_anything_is_rendered() -> None:
    """In the prompt's order; a variation of such a job is made from them as well."""
    assert LINKED.links == ("https://example.org/a.png", "https://example.org/b.png")
    assert LINKED.queue is Queue.INTAKE
    assert variation(LINKED, 0, Strength.SUBTLE, press()).queue is Queue.INTAKE
    assert imagine().queue is Queue.RENDER


def test_what_is_made_already_waits_for_nothing() -> None:
    """U1-U4 only post, whatever their grid was made from."""
    assert upscale(LINKED, 0, press()).queue is Queue.DELIVER


def test_an_upscale_finds_its_picture_in_its_own_place_first() -> None:
    """Then in its grid's, which may be kept for less long."""
    grid = imagine()
    single = upscale(grid, 2, press())
    assert single.places(0) == ((single.id, 0), (grid.id, 2))
    assert grid.places(3) == ((grid.id, 3),)
