"""Maps of areas are read by the legend; things on them are laid out where they lie."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from contract.errors import UserError
from contract.legend import LEGEND
from contract.sentences import describe
from model import Size, text_to_image
from worker.joining import Picture
from worker.kinds.laid_out import named, square
from worker.maps import check_map, grounds, hint, labels_of, placed, things_on

COLOUR = {entry.name: entry.colour for entry in LEGEND}
NUMBER = {entry.name: number for number, entry in enumerate(LEGEND)}


def painted(*areas: tuple[str, float, float, float, float], side: int = 240) -> Picture:
    """A map: areas by name, from left and top to right and bottom."""
    picture = np.full((side, side, 3), 255, np.uint8)
    for name, left, top, right, bottom in areas:
        picture[round(top * side) : round(bottom * side), round(left * side) : round(right * side)] = COLOUR[name]
    return picture


SCENE = painted(
    ("sky", 0, 0, 1, 0.5), ("grass", 0, 0.5, 1, 1), ("tree", 0.1, 0.2, 0.4, 0.8), ("house", 0.6, 0.4, 0.9, 0.8)
)


def test_colours_of_the_legend_are_far_enough_apart() -> None:
    """So that each is read as itself, also when it was saved as a JPEG."""
    for entry in LEGEND:
        picture = np.full((64, 64, 3), entry.colour, np.uint8)
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=80)
        for one in (picture, np.array(Image.open(file))):
            assert (labels_of(one) == NUMBER[entry.name]).all(), entry.name


def test_white_and_black_say_nothing() -> None:
    """What lies there is left to the words; a map of nothing else is refused."""
    for value in (0, 255):
        with pytest.raises(UserError, match="map_empty"):
            check_map(np.full((64, 64, 3), value, np.uint8), "areas")
    check_map(SCENE, "areas")


def test_strange_colours_are_told_with_the_nearest() -> None:
    """A few at smoothed edges are no mistake."""
    wrong = SCENE.copy()
    wrong[:120] = (200, 30, 200)
    with pytest.raises(UserError, match="map_colours") as caught:
        check_map(wrong, "areas")
    title, sentence = describe(caught.value)
    assert title == "Colours of the map"
    assert "50 % of the map" in sentence
    assert "`#c81ec8`" in sentence
    assert "bed, `#cc05ff`" in sentence
    small = Image.fromarray(SCENE).resize((50, 50), Image.Resampling.BILINEAR)
    check_map(np.array(small.resize((240, 240), Image.Resampling.BICUBIC)), "areas")


def test_a_photograph_is_no_map_of_areas() -> None:
    """As a map of edges or depth it is taken; a plain one says nothing there either."""
    noise = np.random.default_rng(1).integers(30, 220, (64, 64, 3), np.uint8)
    with pytest.raises(UserError, match="map_colours"):
        check_map(noise, "areas")
    check_map(noise, "edges")
    with pytest.raises(UserError, match="map_empty"):
        check_map(np.full((64, 64, 3), 90, np.uint8), "depth")


def test_each_connected_area_is_a_thing() -> None:
    """Two flowers are two, the largest thing comes first, specks and grounds are none."""
    flowers = painted(
        ("grass", 0, 0, 1, 1), ("flower", 0, 0, 0.2, 0.2), ("flower", 0.5, 0.5, 0.9, 0.9), ("car", 0.3, 0.3, 0.32, 0.32)
    )
    things = things_on(labels_of(flowers))
    assert [thing.entry.name for thing in things] == ["flower", "flower"]
    assert things[0].box == pytest.approx((0.5, 0.5, 0.9, 0.9), abs=0.02)
    assert [thing.entry.name for thing in things_on(labels_of(SCENE))] == ["tree", "house"]


def test_grounds_go_on_behind_things() -> None:
    """In their usual colours, or in white where nothing is said around them."""
    canvas = grounds(labels_of(SCENE), 96, 96)
    sky, grass = LEGEND[NUMBER["sky"]].ground, LEGEND[NUMBER["grass"]].ground
    assert tuple(canvas[5, 50]) == sky
    assert tuple(canvas[30, 24]) == sky, "behind the tree"
    assert tuple(canvas[70, 24]) == grass
    alone = grounds(labels_of(painted(("tree", 0.2, 0.2, 0.8, 0.8))), 96, 96)
    assert (alone == 255).all()


def test_a_thing_stands_in_its_area() -> None:
    """What is drawn on a plain ground is cut out of it, keeps its shape, and stands at the bottom of its area."""
    drawn = np.full((64, 64, 3), 250, np.uint8)
    drawn[16:48, 24:40] = (200, 0, 0)
    canvas = np.full((100, 100, 3), 90, np.uint8)
    [thing] = things_on(labels_of(painted(("tree", 0.5, 0.2, 1.0, 0.9))))
    placed(canvas, thing, drawn)
    red = (canvas[..., 0] > 150) & (canvas[..., 1] < 60)
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    assert 86 <= rows[-1] <= 90
    assert (rows[-1] - rows[0]) / (columns[-1] - columns[0]) == pytest.approx(2, abs=0.2)
    assert 50 <= columns[0] < columns[-1] < 100
    assert (canvas[:, :49] == 90).all()


def test_a_controlnet_sees_exact_colours() -> None:
    """Areas in the legend's own, edges in white on black, also where they were drawn in ink on paper."""
    blurred = np.array(Image.fromarray(SCENE).resize((60, 60)).resize((240, 240)))
    seen = {tuple(colour) for colour in hint(blurred, "areas").reshape(-1, 3)}
    assert seen <= {*COLOUR.values(), (0, 0, 0)}
    ink = np.full((64, 64, 3), 255, np.uint8)
    ink[20:22] = 0
    assert hint(ink, "edges")[20].min() == 255
    assert hint(ink, "edges").mean() < 20
    assert hint(255 - ink, "edges")[20].min() == 255


@pytest.mark.parametrize(("size", "side"), [((64, 64), 64), ((96, 64), 64), ((64, 96), 64), ((448, 32), 128)])
def test_a_thing_is_drawn_square(size: tuple[int, int], side: int) -> None:
    """Whatever the shape of the whole, in steps that its sides have in common."""
    assert square(Size(*size)) == Size(side, side)


def test_the_only_thing_of_a_map_is_what_the_prompt_says() -> None:
    """A red fox where the legend knows animals; what the words do not speak of has its own name."""
    areas = ("sky", 0.0, 0.0, 1.0, 0.5), ("animal", 0.1, 0.4, 0.4, 0.9), ("tree", 0.6, 0.2, 0.9, 0.9)
    fox = text_to_image("a red fox, at night", seed=1, size=(64, 64))
    assert named(fox, things_on(labels_of(painted(*areas[:2])))) == ["a red fox"]
    assert named(fox, things_on(labels_of(painted(*areas)))) == ["a tree", "a red fox"]
    both = text_to_image([("a fox", 1.0), ("snow", 0.5), ("a wolf", -0.5)], seed=1, size=(64, 64))
    assert named(both, things_on(labels_of(painted(*areas[:2])))) == ["a fox"]


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("a black cat next to a white dog, a red house", ["a black cat", "a white dog", "a red house"]),
        ("two red cats in front of a castle", ["a red cat", "a red cat", "a castle"]),
        ("a blue house in the snow", ["an animal", "an animal", "a blue house"]),
        ("一只黑猫和一只白狗，旁边是在雪地里的一座红色的房子", ["黑猫", "白狗", "红色的房子"]),
        ("a watercolor", ["an animal", "an animal", "a house"]),
    ],
)
def test_several_things_have_their_own_words(said: str, names: list[str]) -> None:
    """From left to right, in the order in which they are spoken of."""
    areas = [("house", 0.7, 0.2, 1.0, 0.9), ("animal", 0.4, 0.3, 0.6, 0.9), ("animal", 0.1, 0.5, 0.3, 0.9)]
    things = things_on(labels_of(painted(*areas)))
    found = named(text_to_image(said, seed=1, size=(64, 64)), things)
    from_left = sorted(range(3), key=lambda place: things[place].box[0])
    assert [found[place] for place in from_left] == names
