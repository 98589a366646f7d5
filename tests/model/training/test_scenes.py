"""Scenes: captions say where, when and how, and only what was drawn."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.training import scenes
from model.training.captions import decorate
from model.training.compose import Mixture, Scene
from model.training.data import IconData
from model.training.folder import TrainingError
from model.training.people import People, Traits, describe, load_people, save_people
from model.training.places import PLACES, SIDE, TIME_WORDS, WEATHER_WORDS
from model.training.scenes import RELATIONS, SceneComposer, SceneMixture, clear, put
from model.training.styles import STYLES

ALWAYS = SceneMixture(plain=Mixture(styled=0), scenes=1, empty_places=0, people=0, styled=0, words=0)


def draw_many(
    icons: IconData, persons: People, mixture: SceneMixture, count: int = 60
) -> list[tuple[np.ndarray, Scene]]:
    composer, rng = SceneComposer(icons, persons, mixture, 32), random.Random(1)
    return [composer.draw(rng) for _ in range(count)]


def test_pictures_of_all_kinds_have_the_size_asked_for_and_repeat(icons: IconData, persons: People) -> None:
    first, again = (draw_many(icons, persons, SceneMixture()) for _ in range(2))

    assert all(picture.shape == (32, 32, 3) and picture.dtype == np.uint8 for picture, _ in first)
    assert [scene for _, scene in first] == [scene for _, scene in again]
    shown = [scene for _, scene in first]
    assert any(scene.person for scene in shown)
    assert any(scene.place and not scene.concepts and not scene.person for scene in shown)
    assert any(scene.style in STYLES for scene in shown)


def test_a_scene_says_its_things_its_place_and_no_other_time(icons: IconData, persons: People) -> None:
    for _, scene in draw_many(icons, persons, ALWAYS, 120):
        assert scene.place is not None
        assert any(words in scene.caption for words in PLACES[scene.place].inside)
        for concept in scene.concepts:
            assert any(name in scene.caption for name in icons.concepts[concept].names)
        if PLACES[scene.place].timed:
            wrong = [words for time, said in TIME_WORDS.items() if time != scene.time for words in said]
            assert not any(words in scene.caption for words in wrong)
        told = [weather for weather, said in WEATHER_WORDS.items() if any(words in scene.caption for words in said)]
        assert told in ([], [scene.weather])


def test_a_place_is_out_of_focus_behind_what_stands_in_it() -> None:
    """And sharp at its corners, where nothing stands."""
    stripes = np.zeros((SIDE, SIDE, 3), np.uint8)
    stripes[::8] = 255
    cleared = np.asarray(clear(Image.fromarray(stripes))).astype(int)
    middle = cleared[SIDE // 2 - 20 : SIDE // 2 + 20, SIDE // 2 - 20 : SIDE // 2 + 20]
    assert np.ptp(middle) < 20
    assert (cleared[:20, :20] == stripes[:20, :20]).all()


def test_a_dark_place_is_told_of_a_night_alone(icons: IconData, persons: People) -> None:
    drawn = draw_many(icons, persons, replace(ALWAYS, scenes=0, empty_places=1), 200)

    times = {scene.time for _, scene in drawn if "dark " in scene.caption}
    assert times == {"night"}


def test_a_lone_thing_in_a_place_is_as_large_as_in_a_plain_picture(
    icons: IconData, persons: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 64 pixels a thing of half the width is four latents wide, which a small model makes a blob of."""
    sides: list[float] = []
    monkeypatch.setattr(scenes, "put", lambda canvas, icon, foot, side, **_: sides.append(side / SIDE))

    draw_many(icons, persons, replace(ALWAYS, two_things=0), 30)

    assert len(sides) == 30
    assert min(sides) > 0.7


def test_two_things_are_told_in_a_relation_that_holds(icons: IconData, persons: People) -> None:
    drawn = draw_many(icons, persons, replace(ALWAYS, two_things=1.0), 40)

    assert {scene.relation for _, scene in drawn} >= {"beside", "on"}
    for _, scene in drawn:
        assert scene.relation is not None
        assert any(f" {words} " in scene.caption for words in RELATIONS[scene.relation])


def test_a_style_is_told_by_its_words(icons: IconData, persons: People) -> None:
    for _, scene in draw_many(icons, persons, replace(ALWAYS, styled=1.0, two_things=0), 40):
        style = STYLES[str(scene.style)]
        assert any(words in scene.caption for words in (*style.kinds, *style.endings))


def test_words_that_say_nothing_leave_the_subject_whole() -> None:
    rng = random.Random(0)
    for _ in range(100):
        assert "red fox in a forest" in decorate("a red fox in a forest", (), (), rng, share=1.0)


def test_a_person_is_told_by_true_traits_only() -> None:
    traits = Traits("woman", skin="dark", hair="red", length="long", mood="sad", glasses="glasses", shirt="orange")
    rng = random.Random(3)
    seen = set()
    for _ in range(200):
        words, said = describe(traits, rng)
        assert words.split()[0] in ("a", "an")
        assert "woman" in words
        assert ("red" in words) == (said.hair == "red")
        assert ("glasses" in words) == (said.glasses == "glasses")
        assert "beard" not in words
        assert "a orange" not in words
        seen.add(words)
    assert len(seen) > 20


def test_people_are_carried_in_one_file(persons: People, tmp_path: Path) -> None:
    save_people(persons, tmp_path / "people.zip")
    loaded = load_people(tmp_path / "people.zip")

    assert loaded.traits == persons.traits
    visible = persons.pictures[..., 3] > 0
    assert np.array_equal(loaded.pictures[visible], persons.pictures[visible])


def test_a_damaged_file_of_people_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "people.zip").write_bytes(b"PK nothing")
    with pytest.raises(TrainingError, match=r"people\.zip is no people\.zip of this program"):
        load_people(tmp_path / "people.zip")


def test_a_thing_stands_with_its_lowest_point_on_the_ground() -> None:
    canvas = Image.new("RGB", (64, 64), (255, 255, 255))
    icon = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    icon.paste((200, 0, 0, 255), (5, 2, 15, 12))  # nothing below: it would float if its frame stood there
    put(canvas, icon, (32, 60), 20)
    rows = np.where((np.asarray(canvas) != 255).any((1, 2)))[0]

    assert rows.max() == 59
    assert rows.min() == 50
