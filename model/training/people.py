"""Stage 1, people: faces and half figures drawn from named features, so that every word about them is true.

The pictures come from two sets of DiceBear (`people.mjs` chooses the features, `SETS` names authors and licences).
They are kept like the icons, in a portable `people.zip`, each with its traits.
"""

from __future__ import annotations

import io
import json
import random
import shutil
import subprocess
import zipfile
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from .data import from_sheet, render_svg, to_sheet
from .folder import TrainingError

# Which pictures of the collection are used: name there, title, author, licence. The last three taught earlier weights,
# which later ones go on from.
SETS: tuple[tuple[str, str, str, str], ...] = (
    ("personas", "Personas", "Draftbit", "CC-BY-4.0"),
    ("bigSmile", "Custom Avatar (big smile)", "Ashley Seo", "CC-BY-4.0"),
    ("toonHead", "Toon Head", "Johan Melin", "CC-BY-4.0"),
    ("adventurer", "Adventurer", "Lisa Wischofsky", "CC-BY-4.0"),
    ("micah", "Avatar Illustration System", "Micah Lanier", "CC-BY-4.0"),
)


@dataclass(frozen=True)
class Traits:
    """What can be said of a person; empty where there is nothing to say. `length` is what the hair is like."""

    who: str  # man, woman, boy, girl
    skin: str = ""  # light, brown, dark
    hair: str = ""  # its colour
    length: str = ""  # long, short, bald, bun, braids, pigtails, mohawk
    mood: str = ""
    shirt: str = ""  # its colour
    glasses: str = ""  # glasses, sunglasses, cat ears
    beard: bool = False


@dataclass(frozen=True)
class People:
    """Rendered people: pictures (N, S, S, 4) uint8, straight alpha, and the traits of each."""

    pictures: np.ndarray
    traits: tuple[Traits, ...]


def draw_people(modules: Path, count: int, size: int, seed: int, processes: int = 1) -> People:
    """Draw `count` people of `size` pixels with the DiceBear packages under `modules`. TrainingError without node."""
    node = shutil.which("node")
    if node is None:
        raise TrainingError("Drawing people needs node (Node.js), or bring people.zip from another machine.")
    # An ES module finds its packages beside itself, so the script runs where the packages are.
    script = modules.parent / "people.mjs"
    shutil.copyfile(Path(__file__).with_name("people.mjs"), script)
    command = [node, script.name, str(count), str(seed)]
    result = subprocess.run(command, cwd=script.parent, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        reason = next((line for line in result.stderr.splitlines() if "Error" in line), "no message")
        raise TrainingError(f"node could not draw people: {reason}")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    with get_context("spawn").Pool(processes) as pool:
        drawn = pool.map(render_svg, [(row["svg"], size) for row in rows], chunksize=32)
    kept = [(picture, Traits(**row["traits"])) for picture, row in zip(drawn, rows, strict=True) if picture is not None]
    return People(np.stack([picture for picture, _ in kept]), tuple(traits for _, traits in kept))


def save_people(people: People, path: Path) -> None:
    """Write the portable file: one lossless WebP sheet, and index.json."""
    index = {"size": people.pictures.shape[1], "traits": [asdict(traits) for traits in people.traits]}
    sheet = io.BytesIO()
    to_sheet(people.pictures).save(sheet, "WEBP", lossless=True, quality=50, exact=False)
    partial = path.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w") as archive:
        archive.writestr("people.webp", sheet.getvalue())
        archive.writestr("index.json", json.dumps(index))
    partial.replace(path)


def load_people(path: Path) -> People:
    """Read what `save_people` wrote. TrainingError for a file that is damaged or something else."""
    try:
        with zipfile.ZipFile(path) as archive:
            index = json.loads(archive.read("index.json"))
            sheet = Image.open(io.BytesIO(archive.read("people.webp"))).convert("RGBA")
        traits = tuple(Traits(**row) for row in index["traits"])
        return People(from_sheet(sheet, index["size"], len(traits)), traits)
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise TrainingError(
            f"{path} is no people.zip of this program ({error}); make it again with the data stage."
        ) from None


OPENINGS = ("a portrait of ", "a picture of ", "portrait of ", "a drawing of ")
MOODS = {"smiling": ("smiling", "happy"), "happy": ("happy", "smiling"), "laughing": ("laughing", "happy")}
HAIRSTYLES = ("bun", "braids", "pigtails", "mohawk")


def describe(traits: Traits, rng: random.Random) -> tuple[str, Traits]:
    """A person in words ("a smiling woman with long red hair and glasses"), and the traits that were said: up to four
    of those that are worth saying. Glasses and beards always are, or everybody would come to wear them."""
    worth = [name for name, value in asdict(traits).items() if value not in ("", False, "light")]
    worn = {name for name in ("glasses", "beard") if name in worth}
    sayable = [name for name in worth if name not in ("who", "length", *worn)]
    said = worn | set(rng.sample(sayable, min(len(sayable), rng.choice((0, 1, 1, 2, 2, 3)))))
    has = []
    if "hair" in said:
        style = f" {traits.length}" if traits.length in HAIRSTYLES and rng.random() < 0.5 else ""
        length = f"{traits.length} " if traits.length in ("long", "short") and rng.random() < 0.5 else ""
        has.append(f"a {traits.hair} mohawk" if style == " mohawk" else f"{length}{traits.hair}{style or ' hair'}")
    if "beard" in said:
        has.append("a beard")
    if "skin" in said:
        has.append(f"{traits.skin} skin")
    wears = [traits.glasses] if "glasses" in said else []
    if "shirt" in said:
        wears.append(f"{_article(traits.shirt)} {traits.shirt} {rng.choice(('shirt', 'sweater', 't-shirt'))}")

    adjectives = [rng.choice(MOODS.get(traits.mood, (traits.mood,)))] if "mood" in said else []
    adjectives += ["bald"] if traits.length == "bald" and rng.random() < 0.8 else []
    words = " ".join([*adjectives, traits.who])
    words = f"{_article(words)} {words}"
    if has:
        words += f" with {' and '.join(has)}"
    if wears:
        words += f" {'and' if has else rng.choice(('wearing', 'with', 'in'))} {' and '.join(wears)}"
    return words, Traits(traits.who, **{name: getattr(traits, name) for name in said})


def _article(words: str) -> str:
    return "an" if words[0] in "aeiou" else "a"
