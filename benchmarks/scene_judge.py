"""An eye for whole pictures: which thing, where, when, in which style, what kind of person.

A convolutional classifier with one answer to each question. It learns from pictures of `judged_scenes`: places, filters
and sets of people that training never sees, and icons of which the 3D renders are new to it. Some pictures are held
back; its scores on those are kept as the ceilings a generator can be measured against. The trained eye ships beside
this file; `python -m benchmarks.scene_judge ICONS_ZIP MODULES` makes it anew (npm packages as model.training keeps them
in `npm/node_modules`, with @lobehub/fluent-emoji-3d 1.1.0 installed there too). Styles, which need more than its 64
pixels, are judged by `look_judge`, people by `people_judge`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.judged_scenes import PLACES, PLAIN, SIDE, STYLES, TIMES, UNTIMED, apply_style, draw_place

if TYPE_CHECKING:
    from model.training.data import IconData

JUDGE_FILE = Path(__file__).with_name("scene_judge.safetensors")
INPUT = 64  # pixels it looks at
HAIR = ("black", "blond", "blue", "brown", "gray", "pink", "red", "white")

Question = str
Answers = dict[Question, str]


class Eye(nn.Module):
    """Pictures (N, 3, 64, 64) in -1..1 to scores for every question, side by side."""

    def __init__(self, answers: int) -> None:
        super().__init__()
        widths = (3, 32, 64, 96, 128)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.SiLU()]
            if before > 3:
                layers += [nn.Conv2d(after, after, 3, padding=1), nn.BatchNorm2d(after), nn.SiLU()]
        self.body = nn.Sequential(*layers)
        self.squeeze = nn.Linear(widths[-1] * 5, 256)
        self.answer = nn.Linear(256, answers)

    def forward(self, pixels: Tensor) -> Tensor:
        seen = self.body(pixels)
        pooled = torch.cat([functional.adaptive_avg_pool2d(seen, 2).flatten(1), seen.amax((2, 3))], 1)
        hidden = functional.silu(self.squeeze(functional.dropout(pooled, 0.2, self.training)))
        scores: Tensor = self.answer(hidden)
        return scores


@dataclass(frozen=True)
class SceneJudge:
    """A trained eye, what it can answer, and how often it is right on real pictures it has not seen."""

    eye: Eye
    choices: dict[Question, tuple[str, ...]]
    ceiling: dict[Question, float]

    @torch.no_grad()
    def look(self, pictures: NDArray[np.uint8]) -> list[Answers]:
        """The best answer to every question for pictures (N, H, W, 3) of any size."""
        parts = [self.eye(as_input(pictures[start : start + 128])) for start in range(0, len(pictures), 128)]
        told = torch.cat(parts).split([len(names) for names in self.choices.values()], 1)
        best = {question: scores.argmax(1).tolist() for question, scores in zip(self.choices, told, strict=True)}
        return [{question: self.choices[question][numbers[row]] for question, numbers in best.items()}
                for row in range(len(pictures))]  # fmt: skip

    def save(self, path: Path) -> None:
        write_eye(self.eye, path, choices=self.choices, ceiling=self.ceiling)

    @classmethod
    def load(cls, path: Path = JUDGE_FILE) -> SceneJudge:
        """Raises FileNotFoundError or ValueError for a file that is missing or damaged."""
        tensors, about = read_eye(path)
        choices = {question: tuple(names) for question, names in about["choices"].items()}
        eye = Eye(sum(len(names) for names in choices.values()))
        eye.load_state_dict(tensors)
        return cls(eye.eval(), choices, about["ceiling"])


def write_eye(eye: nn.Module, path: Path, **about: object) -> None:
    """An eye's weights in half precision, and what there is to know about it."""
    from safetensors.torch import save_file

    tensors = {name: tensor.half().contiguous() for name, tensor in eye.state_dict().items()}
    save_file(tensors, path, metadata={name: json.dumps(value) for name, value in about.items()})


def read_eye(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `write_eye` wrote. Raises FileNotFoundError or ValueError for a file that is missing or damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stored:
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
            about = {name: json.loads(value) for name, value in stored.metadata().items()}
    except SafetensorError as error:
        raise ValueError(f"the judge's weights in {path} cannot be read: {error}") from None
    return {name: one.long() if "num_batches" in name else one.float() for name, one in tensors.items()}, about


def as_input(pictures: NDArray[np.uint8], side: int = INPUT) -> Tensor:
    """(N, H, W, 3) uint8 pictures as (N, 3, side, side) in -1..1, whatever size they have."""
    pixels = torch.tensor(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    return functional.interpolate(pixels, (side, side), mode="bilinear", antialias=True, align_corners=False)


# ---- training ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sources:
    """What the judge's pictures are made of: things with their nouns, people with their traits, (N, S, S, 4) each."""

    things: NDArray[np.uint8]
    nouns: tuple[str, ...]
    persons: NDArray[np.uint8]
    traits: tuple[dict[str, Any], ...]


class Stage:
    """Draws pictures and says what they show."""

    def __init__(self, sources: Sources, things: list[int], persons: list[int]) -> None:
        self.sources, self.persons = sources, persons
        self.of_noun: dict[str, list[int]] = {}
        for number in things:
            self.of_noun.setdefault(sources.nouns[number], []).append(number)
        self.names = sorted(self.of_noun)

    def draw(self, rng: random.Random) -> tuple[NDArray[np.uint8], Answers]:
        """One picture (SIDE, SIDE, 3) and its answers; a question that does not apply is left out."""
        canvas, answers = self.draw_plain(rng)
        answers["style"] = rng.choice(STYLES) if rng.random() < 0.45 else PLAIN
        if answers["style"] != PLAIN:
            canvas = apply_style(canvas, answers["style"], rng)
        return np.asarray(canvas), answers

    def draw_plain(self, rng: random.Random) -> tuple[Image.Image, Answers]:
        """One picture in no style, and its other answers."""
        chance = np.random.default_rng(rng.randrange(2**32))
        answers: Answers = {"place": PLAIN}
        if rng.random() < 0.55:
            answers["place"], time = rng.choice(PLACES), rng.choice(TIMES)
            if answers["place"] not in UNTIMED:
                answers["time"] = time
            canvas = Image.fromarray(draw_place(answers["place"], time, chance).astype(np.uint8))
        else:
            white = rng.random() < 0.45
            ground = (255, 255, 255) if white else (rng.randrange(256), rng.randrange(256), rng.randrange(256))
            canvas = Image.new("RGB", (SIDE, SIDE), ground)
        kind = rng.random()
        if kind < 0.22:
            number = rng.choice(self.persons)
            self._put(canvas, self.sources.persons[number], rng, answers["place"] == PLAIN, standing=True)
            traits = self.sources.traits[number]
            answers |= {"who": traits["who"], "hair": traits["hair"], "glasses": traits["glasses"] or PLAIN,
                        "beard": "beard" if traits["beard"] else PLAIN}  # fmt: skip
        elif kind < 0.93 or answers["place"] == PLAIN:
            answers["noun"] = rng.choice(self.names)
            number = rng.choice(self.of_noun[answers["noun"]])
            self._put(canvas, self.sources.things[number], rng, answers["place"] == PLAIN)
        return canvas, answers

    def _put(
        self, canvas: Image.Image, pixels: NDArray[np.uint8], rng: random.Random, alone: bool, standing: bool = False
    ) -> None:
        icon = Image.fromarray(pixels)
        if rng.random() < 0.5:
            icon = icon.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        side = round(SIDE * (rng.uniform(0.62, 1.0) if alone else rng.uniform(0.36, 0.75)))
        icon = icon.rotate(rng.gauss(0, 5), Image.Resampling.BICUBIC).resize((side, side), Image.Resampling.BOX)
        across, spare = rng.uniform(0.2, 0.8), SIDE - side
        down = 1.0 if standing else rng.uniform(0.3, 0.7) if alone else rng.uniform(0.6, 1.0)
        canvas.paste(icon, (round(spare * across), round(spare * down)), icon)


def read_renders(modules: Path, icons: IconData, size: int) -> tuple[list[NDArray[np.uint8]], list[str]]:
    """The 3D renders of practised nouns, as RGBA pictures, and their nouns."""
    from model.training.data import code_points, name_concepts

    _, by_code, _ = name_concepts(modules)
    pictures, nouns = [], []
    for path in sorted((modules / "@lobehub" / "fluent-emoji-3d" / "assets").glob("*.webp")):
        number = by_code.get(code_points(path.stem))
        if number is not None and icons.concepts[number].practised is not None:
            picture = Image.open(path).convert("RGBA").resize((size, size), Image.Resampling.BOX)
            pictures.append(np.asarray(picture))
            nouns.append(icons.concepts[number].names[0])
    return pictures, nouns


def draw_persons(
    modules: Path, count: int, size: int, *sets: str
) -> tuple[NDArray[np.uint8], tuple[dict[str, Any], ...]]:
    """People of `sets` that training does not use (none: those that the judge of scenes knows)."""
    from model.training.data import render_svg

    script = modules.parent / "judged_people.mjs"
    shutil.copyfile(Path(__file__).with_name("judged_people.mjs"), script)
    command = ["node", script.name, str(count), "5", *sets]
    told = subprocess.run(command, cwd=script.parent, capture_output=True, check=True)
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    drawn = [(render_svg((row["svg"], size)), row["traits"]) for row in rows]
    kept = [(picture, traits) for picture, traits in drawn if picture is not None]
    return np.stack([picture for picture, _ in kept]), tuple(traits for _, traits in kept)


def gather(icons_file: Path, modules: Path, persons: int = 500) -> Sources:
    from model.training.data import load_icons

    icons = load_icons(icons_file)
    size = icons.pictures.shape[1]
    things = [(icons.pictures[number], icons.concepts[icon.concept].names[0]) for number, icon in enumerate(icons.icons)
              if icons.concepts[icon.concept].practised is not None]  # fmt: skip
    renders, nouns = read_renders(modules, icons, size)
    pictures, traits = draw_persons(modules, persons, size)
    return Sources(np.stack([*(picture for picture, _ in things), *renders]),
                   (*(noun for _, noun in things), *nouns), pictures, traits)  # fmt: skip


def train_scene_judge(sources: Sources, steps: int, pictures: int, seed: int = 3) -> SceneJudge:
    """Train the eye; about 15 minutes on one free core, and repeatable."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    of_noun: dict[str, list[int]] = {}
    for number, noun in enumerate(sources.nouns):
        of_noun.setdefault(noun, []).append(number)
    # The last icon of every noun is its 3D render where there is one; half of the nouns keep theirs for measuring.
    held_things = [numbers[-1] for numbers in of_noun.values() if len(numbers) > 3 and rng.random() < 0.5]
    held_persons = [number for number in range(len(sources.persons)) if number % 6 == 0]
    kept = Stage(sources, [n for n in range(len(sources.nouns)) if n not in set(held_things)],
                 [n for n in range(len(sources.persons)) if n % 6])  # fmt: skip
    choices: dict[Question, tuple[str, ...]] = {
        "noun": tuple(sorted(of_noun)), "place": (PLAIN, *PLACES), "time": TIMES, "style": (PLAIN, *STYLES),
        "who": ("man", "woman"), "hair": HAIR, "glasses": (PLAIN, "glasses", "sunglasses"), "beard": (PLAIN, "beard"),
    }  # fmt: skip
    stage = Stage(sources, held_things, held_persons)
    print(f"scene judge: {pictures} pictures, {len(choices['noun'])} nouns", flush=True)
    drawn, held = ([one.draw(rng) for _ in range(count)] for one, count in ((kept, pictures), (stage, 1500)))
    return learn("scene judge", choices, drawn, held, steps)


Drawn = tuple[NDArray[np.uint8], Answers]


def learn(
    name: str, choices: dict[Question, tuple[str, ...]], drawn: Sequence[Drawn], held: Sequence[Drawn], steps: int
) -> SceneJudge:
    """A judge that learned its answers from pictures `drawn`, and is measured on those `held` back."""
    seen = np.stack([picture for picture, _ in drawn])
    wanted = torch.tensor([
        [names.index(answers[question]) if question in answers else -1 for question, names in choices.items()]
        for _, answers in drawn
    ])  # fmt: skip
    sizes = [len(names) for names in choices.values()]
    eye = Eye(sum(sizes))

    def loss_of(picked: Tensor) -> Tensor:
        told = eye(noisy(as_input(seen[picked.numpy()]))).split(sizes, 1)
        return torch.stack([
            functional.cross_entropy(scores, wanted[picked, place], ignore_index=-1, label_smoothing=0.05)
            for place, scores in enumerate(told)
        ]).nansum()  # fmt: skip

    fit(name, eye, loss_of, len(seen), steps, rate=2e-3)
    ceiling = measure_judge(SceneJudge(eye, choices, {}), held)
    print(f"{name}: on real pictures {ceiling}", flush=True)
    return SceneJudge(eye, choices, ceiling)


def fit(name: str, eye: nn.Module, loss_of: Callable[[Tensor], Tensor], pictures: int, steps: int, rate: float) -> None:
    """Train an eye on batches of 64 of so many pictures, of whose numbers `loss_of` makes the loss; leaves it ready to
    look."""
    optimizer = torch.optim.AdamW(eye.parameters(), rate, weight_decay=0.05)
    for step in range(steps):
        share = min(1, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        optimizer.param_groups[0]["lr"] = rate * share
        loss = loss_of(torch.randint(pictures, (64,)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(f"{name}: step {step} of {steps}, loss {loss.item():.3f}", flush=True)
    eye.eval()


def noisy(pixels: Tensor) -> Tensor:
    """Pictures as a generator may give them: a little brighter or darker, blurred or grainy."""
    light = 1 + 0.15 * torch.randn(len(pixels), 1, 1, 1)
    soft = functional.avg_pool2d(pixels, 3, 1, 1)
    blur = torch.rand(len(pixels), 1, 1, 1).square()
    return ((1 - blur) * pixels + blur * soft) * light + 0.06 * torch.rand(len(pixels), 1, 1, 1) * torch.randn_like(
        pixels
    )


def measure_judge(judge: SceneJudge, drawn: Sequence[Drawn]) -> dict[Question, float]:
    """The share of right answers to every question, over the pictures to which it applies."""
    seen = judge.look(np.stack([picture for picture, _ in drawn]))
    hits: dict[Question, list[bool]] = {question: [] for question in judge.choices}
    for answers, (_, wanted) in zip(seen, drawn, strict=True):
        for question, answer in wanted.items():
            hits[question].append(answers[question] == answer)
    return {question: round(float(np.mean(found)), 4) for question, found in hits.items() if found}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scene_judge", description="Train the judge of scenes anew."
    )
    parser.add_argument("icons", type=Path, help="icons.zip of a model.training run")
    parser.add_argument("modules", type=Path, help="its npm/node_modules, with @lobehub/fluent-emoji-3d")
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--pictures", type=int, default=24_000)
    parser.add_argument("--out", type=Path, default=JUDGE_FILE)
    options = parser.parse_args()
    torch.set_num_threads(1)
    train_scene_judge(gather(options.icons, options.modules), options.steps, options.pictures).save(options.out)


if __name__ == "__main__":
    main()
