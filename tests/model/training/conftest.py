"""Icons drawn by the tests themselves, and a recipe small enough to train in seconds."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from model.training.compose import Composer, Mixture, PictureSet, save_pictures
from model.training.data import Concept, Icon, IconData, save_icons
from model.training.people import People, Traits, save_people
from model.training.recipe import Recipe
from model.training.scenes import SceneMixture

SIZE = 32
COLOURS = {"apple": (220, 40, 40), "star": (250, 210, 50), "tree": (50, 160, 70), "heart": (230, 40, 90)}


def draw_icon(noun: str, inset: int) -> np.ndarray:
    """A simple shape on nothing, (32, 32, 4)."""
    picture = Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 0))
    pen, box = ImageDraw.Draw(picture), (inset, inset, SIZE - inset, SIZE - inset)
    if noun in ("apple", "heart"):
        pen.ellipse(box, fill=(*COLOURS[noun], 255))
    elif noun == "star":
        pen.polygon(
            [(SIZE / 2, inset), (SIZE - inset, SIZE - inset), (inset, SIZE - inset)], fill=(*COLOURS[noun], 255)
        )
    else:
        pen.rectangle(box, fill=(*COLOURS[noun], 255))
    return np.asarray(picture)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Training on a busy machine is fastest, and repeatable, on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def icons() -> IconData:
    """Three practised nouns and one from the long tail, each drawn by two sets."""
    concepts = (
        Concept(("apple",), group=-1, practised=0),
        Concept(("star", "little star"), group=-1, practised=1),
        Concept(("tree",), group=-1, practised=2),
        Concept(("heart",), group=4, practised=None),
    )
    drawn = [
        (Icon(set_name, number), draw_icon(concept.names[0], inset))
        for set_name, inset in (("twemoji", 2), ("noto", 5))
        for number, concept in enumerate(concepts)
    ]
    return IconData(np.stack([picture for _, picture in drawn]), tuple(icon for icon, _ in drawn), concepts)


@pytest.fixture
def persons() -> People:
    """Two people: a disc each, one in a hat."""
    pictures = []
    for colour in ((240, 200, 170, 255), (110, 70, 50, 255)):
        picture = Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 0))
        ImageDraw.Draw(picture).ellipse((6, 4, 26, 31), fill=colour)
        pictures.append(np.asarray(picture))
    traits = (Traits("woman", hair="red", length="long", glasses="glasses"), Traits("man", skin="dark", beard=True))
    return People(np.stack(pictures), traits)


WORDS = {
    "synonyms": {"tree": ["oak"]},
    "chinese": {"apple": ["苹果"], "red": ["红色"], "tree": ["树"], "forest": ["森林"], "woman": ["女人"]},
    "emoji": {"apple": ["🍎"]},
}


@pytest.fixture
def icons_file(icons: IconData, persons: People, tmp_path: Path) -> Path:
    """An icons.zip, with what a run has beside it."""
    path = tmp_path / "icons.zip"
    save_icons(icons, path)
    save_people(persons, tmp_path / "people.zip")
    (tmp_path / "words.json").write_text(json.dumps(WORDS))
    return path


@pytest.fixture
def pictures(icons: IconData, tmp_path: Path) -> PictureSet:
    """Forty plain pictures of 32 pixels, on disk in two parts."""
    composer, rng = Composer(icons, Mixture(two_objects=0.3), SIZE), random.Random(5)
    paths = [tmp_path / "pictures-000", tmp_path / "pictures-001"]
    for path in paths:
        save_pictures(path, [composer.draw(rng) for _ in range(20)])
    return PictureSet.load(paths)


@pytest.fixture
def tiny() -> Recipe:
    """All stages of it together train in seconds."""
    return Recipe(
        "tiny",
        size=SIZE,
        icon_size=SIZE,
        pictures=96,
        shard=48,
        people=4,
        mixture=SceneMixture(plain=Mixture(two_objects=0.3)),
        latent_channels=4,
        vae_channels=(16, 24, 32, 48),
        vae_groups=4,
        vocabulary=700,
        prompt_tokens=24,
        text_width=64,
        text_layers=1,
        image_tower_width=32,
        image_tower_layers=1,
        embedding=16,
        contrast_batch=8,
        unet_channels=(32, 64),
        unet_batch=4,
        shapes=((SIZE + 16, SIZE),),
    )
