"""The colour that words ask for."""

from __future__ import annotations

import pytest

from contract.colours import colour_asked


@pytest.mark.parametrize(
    ("words", "colour"),
    [
        ("make it blue", "blue"),
        ("Please turn the red car Green", "green"),
        ("change the car from red to grey", "gray"),
        ("a golden star", "yellow"),
        ("a green apple on a white background", "green"),
        ("a red apple on a blue table", "red"),
        ("blue instead of red", "blue"),
        ("paint it, black", "black"),
        ("a redhead at night", None),
        ("no red", None),
        ("a red and blue flag", None),
        ("turn the background blue", None),
        ("make the sky pink", None),
        ("把它变成蓝色", "blue"),
        ("把红色的车改成绿色的", "green"),
        ("从红色变成黑色", "black"),
        ("一个粉红色的苹果", "pink"),
        ("把它变红", "red"),
        ("换成黑的", "black"),
        ("让黄瓜变成紫色", "purple"),
        ("白色背景上的紫色星星", "purple"),
        ("把背景换成黄色", None),
        ("红色和蓝色的旗", None),
        ("不要红色", None),
        ("黄瓜和白菜", None),
    ],
)
def test_the_colour_that_a_thing_is_to_have(words: str, colour: str | None) -> None:
    """The last one that an instruction names, the first one of a description; not a former one nor the ground's."""
    assert colour_asked(words) == colour
