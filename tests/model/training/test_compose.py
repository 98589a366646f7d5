"""Training pictures: what is drawn and what is written come from the same draw."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.training.captions import HUES
from model.training.compose import Composer, Mixture, PictureSet, Scene, main_colour, paste, repaint, save_pictures
from model.training.data import IconData
from model.training.nouns import HELD_OUT_PAIRS
from model.training.people import Traits

PLAIN = Mixture(two_objects=0, alike=0, repainted=0, natural_colour=0, white=1, styled=0, moved=0, mirrored=0)


def draw_many(icons: IconData, mixture: Mixture, count: int = 40, seed: int = 0) -> list[tuple[np.ndarray, Scene]]:
    composer, rng = Composer(icons, mixture, 32), random.Random(seed)
    return [composer.draw(rng) for _ in range(count)]


def test_the_same_seed_gives_the_same_pictures(icons: IconData) -> None:
    first, again, other = (draw_many(icons, Mixture(), 12, seed) for seed in (3, 3, 4))

    assert all(np.array_equal(one[0], two[0]) and one[1] == two[1] for one, two in zip(first, again, strict=True))
    assert any(not np.array_equal(one[0], two[0]) for one, two in zip(first, other, strict=True))


def test_saved_parts_read_back_as_one_set(icons: IconData, tmp_path: Path) -> None:
    """Slices and lists of numbers reach across the parts, and the end can be held back."""
    drawn = draw_many(icons, Mixture(), 10)
    drawn[7] = drawn[7][0], replace(drawn[7][1], place="forest", person=Traits("man", beard=True))
    save_pictures(tmp_path / "a", drawn[:6])
    save_pictures(tmp_path / "b", drawn[6:])
    loaded = PictureSet.load([tmp_path / "a", tmp_path / "b"])

    assert [scene for _, scene in drawn] == list(loaded.scenes)
    assert np.array_equal(loaded.pictures[4:8], np.stack([picture for picture, _ in drawn[4:8]]))
    assert np.array_equal(loaded.pictures[np.array([8, 0])], np.stack([drawn[8][0], drawn[0][0]]))
    training, held_back = loaded.split(2)
    assert (len(training.pictures), len(held_back.pictures)) == (8, 2)
    assert list(held_back.scenes) == [scene for _, scene in drawn[8:]]


def test_only_practised_nouns_are_shown_unless_breadth_is_asked_for(icons: IconData) -> None:
    assert {scene.concepts[0] for _, scene in draw_many(icons, PLAIN)} == {0, 1, 2}
    assert 3 in {scene.concepts[0] for _, scene in draw_many(icons, replace(PLAIN, breadth=0.5))}


def test_emphasis_zero_leaves_a_noun_out(icons: IconData) -> None:
    drawn = draw_many(icons, replace(PLAIN, emphasis=(("apple", 0.0),)))

    assert 0 not in {scene.concepts[0] for _, scene in drawn}


def test_the_caption_names_what_is_in_the_picture(icons: IconData) -> None:
    for _, scene in draw_many(icons, Mixture(), count=120):
        for concept in scene.concepts:
            assert any(name.rstrip("s") in scene.caption for name in icons.concepts[concept].names)
        for colour in scene.colours:
            assert colour is None or colour in scene.caption
        assert scene.background is None or f"{scene.background} background" in scene.caption
        assert scene.style is None or scene.caption.endswith(scene.style)


def test_two_objects_stand_left_and_right(icons: IconData) -> None:
    picture, scene = draw_many(icons, replace(PLAIN, two_objects=1.0), count=1)[0]
    coloured = np.any(picture < 250, axis=-1)

    assert len(scene.concepts) == 2
    assert " and " in scene.caption
    assert coloured[:, :16].any()
    assert coloured[:, 16:].any()
    assert not coloured[:4].any()


def test_held_out_pairs_are_never_drawn(icons: IconData) -> None:
    concepts = tuple(
        replace(concept, names=(name,), practised=place)
        for place, (concept, name) in enumerate(zip(icons.concepts, ("cat", "dog", "star", "sun"), strict=True))
    )
    pairs = {
        frozenset(concepts[number].names[0] for number in scene.concepts)
        for _, scene in draw_many(replace(icons, concepts=concepts), replace(PLAIN, two_objects=1.0), count=80)
    }

    assert pairs
    assert not pairs & HELD_OUT_PAIRS
    assert frozenset(("cat", "dog")) in HELD_OUT_PAIRS


def test_an_object_is_never_put_on_a_background_of_its_own_colour(icons: IconData) -> None:
    mixture = replace(PLAIN, white=0, gradient=0, natural_colour=1.0)
    for _, scene in draw_many(icons, mixture, count=150):
        assert scene.background not in scene.colours


@pytest.mark.parametrize("colour", list(HUES))
def test_a_repainted_object_is_seen_in_its_new_colour(icons: IconData, colour: str) -> None:
    painted, covered = repaint(icons.pictures[0], HUES[colour])

    assert covered > 0.9
    assert main_colour(painted) == colour


def test_pasting_at_the_edge_clips_and_blends(icons: IconData) -> None:
    canvas = np.full((32, 32, 3), 255.0, np.float32)
    paste(canvas, icons.pictures[2], 16, (0.0, 0.5))

    assert (canvas[:, 12:] == 255).all()
    assert canvas[16, 2].tolist() == pytest.approx([50, 160, 70], abs=2)
