"""Icons: found by name, rendered square, carried in one file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from model.training import data
from model.training.data import IconData
from model.training.folder import TrainingError


def test_the_portable_file_gives_back_what_went_in(icons: IconData, icons_file: Path) -> None:
    loaded = data.load_icons(icons_file)

    assert loaded.icons == icons.icons
    assert loaded.concepts == icons.concepts
    visible = icons.pictures[..., 3] > 0
    assert np.array_equal(loaded.pictures[..., 3], icons.pictures[..., 3])
    assert np.array_equal(loaded.pictures[visible], icons.pictures[visible])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"something else"])
def test_a_damaged_file_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "icons.zip"
    path.write_bytes(content)

    with pytest.raises(TrainingError, match=r"icons\.zip is no icons\.zip of this program"):
        data.load_icons(path)


def test_variation_selectors_and_joiners_do_not_tell_emoji_apart() -> None:
    assert data.code_points("❤️") == data.code_points("❤") == data.code_points("2764-FE0F") == "2764"


def test_labels_become_words_one_would_say() -> None:
    assert data.plain("flag: Japan") == "flag of japan"
    assert data.plain("woman’s hat") == "woman's hat"
    assert data.plain("keycap: 1") == "keycap 1"


def test_a_wide_icon_gets_a_square_view_and_is_not_stretched() -> None:
    svg = data.square_svg({"body": "<g/>", "width": 20, "height": 10}, {})

    assert 'viewBox="0.0 -5.0 20 20"' in svg


def test_icons_are_found_by_name_where_a_set_has_no_table_of_code_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = data.IconSet("@x/plain", "1.0.0", "MIT", "someone", ("plain style",), 1.0)
    monkeypatch.setattr(data, "PACKAGES", (pack,))
    names = tmp_path / "emojibase-data" / "en"
    (names / "shortcodes").mkdir(parents=True)
    entries = [
        {"hexcode": "1F408", "label": "cat", "group": 3},
        {"hexcode": "1F62C", "label": "grimacing face", "group": 0},
        {"hexcode": "1F3FB", "label": "light skin tone", "group": 2},
    ]
    (names / "data.json").write_text(json.dumps(entries))
    for source in ("github", "joypixels"):
        (names / "shortcodes" / f"{source}.json").write_text(json.dumps({"1F62C": ["grimacing"]}))
    folder = tmp_path / "@x" / "plain"
    folder.mkdir(parents=True)
    icons = {"cat-1": {"body": "<g/>"}, "grimacing-face": {"body": "<g/>"}, "light-skin-tone": {"body": "<g/>"},
             "old": {"body": "<g/>", "hidden": True}}  # fmt: skip
    (folder / "icons.json").write_text(json.dumps({"icons": icons}))

    found, concepts = data.find_icons(tmp_path)

    assert [concepts[icon.concept].names[0] for icon, _ in found] == ["cat", "grimacing face"]
    assert concepts[found[0][0].concept].practised == 0
    assert concepts[found[1][0].concept].names == ("grimacing face", "grimacing")


def test_without_npm_and_without_packages_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)

    with pytest.raises(TrainingError, match=r"npm.*--icons"):
        data.fetch(tmp_path / "cache")


def test_every_set_has_a_pinned_version_a_licence_and_an_author() -> None:
    for pack in data.PACKAGES:
        assert pack.version.count(".") == 2
        assert pack.licence in ("CC-BY-4.0", "Apache-2.0", "MIT")
        assert pack.author
        assert pack.styles
