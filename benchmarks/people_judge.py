"""An eye for people: who it is, the colour of the hair, glasses, a beard.

The judge of scenes learned from three sets of people among much else, and sees a beard or glasses of people of other
sets in one picture of four. This one learns from seven sets that training never uses, and nothing else, so that it
tells a beard and not a set. How often it is right is measured on the very people that training uses, which are strange
to it: what a perfect model would draw. The trained eye ships beside this file; `python -m benchmarks.people_judge
PEOPLE_ZIP MODULES` makes it anew (people.zip of a model.training run, and its npm/node_modules).
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.judged_scenes import PLACES, PLAIN, SIDE, TIMES, draw_place
from benchmarks.scene_judge import HAIR, Answers, Drawn, Question, SceneJudge, draw_persons, learn

JUDGE_FILE = Path(__file__).with_name("people_judge.safetensors")
SETS = ("avataaars", "dylan", "miniavs", "openPeeps", "pixelArt", "bigEars", "lorelei")
CHOICES: dict[Question, tuple[str, ...]] = {
    "who": ("man", "woman"),
    "hair": HAIR,
    "glasses": (PLAIN, "glasses", "sunglasses"),
    "beard": (PLAIN, "beard"),
}
SOFT = (28, 64)  # pixels to which a picture is made smaller and back, as small models draw


def answers_of(traits: Mapping[str, Any]) -> Answers:
    """What there is to see of a person; a question that does not apply is left out."""
    told = {"glasses": traits["glasses"] or PLAIN, "beard": "beard" if traits["beard"] else PLAIN}
    told |= {question: traits[question] for question in ("who", "hair") if traits.get(question)}
    return {question: answer for question, answer in told.items() if answer in CHOICES[question]}


def draw(person: NDArray[np.uint8], traits: Mapping[str, Any], rng: random.Random) -> Drawn:
    """A picture (SIDE, SIDE, 3) of a person (S, S, 4), before one colour or in a place, and what there is to see."""
    chance = np.random.default_rng(rng.randrange(2**32))
    if rng.random() < 0.3:
        canvas = Image.fromarray(draw_place(rng.choice(PLACES), rng.choice(TIMES), chance).astype(np.uint8))
    else:
        ground = (255, 255, 255) if rng.random() < 0.5 else tuple(rng.randrange(256) for _ in range(3))
        canvas = Image.new("RGB", (SIDE, SIDE), ground)
    side = round(SIDE * rng.uniform(0.7, 1.15))
    icon = Image.fromarray(person).rotate(rng.gauss(0, 4), Image.Resampling.BICUBIC)
    icon = icon.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else icon
    icon = icon.resize((side, side), Image.Resampling.BOX)
    left, top = (SIDE - side) * rng.uniform(0.3, 0.7), SIDE - side * rng.uniform(0.85, 1.0)
    canvas.paste(icon, (round(left), round(top)), icon)
    soft = rng.randint(*SOFT)
    canvas = canvas.resize((soft, soft), Image.Resampling.BOX).resize(canvas.size, Image.Resampling.BICUBIC)
    return np.asarray(canvas), answers_of(traits)


def train_people_judge(known: list[Drawn], strange: list[Drawn], steps: int, seed: int = 7) -> SceneJudge:
    """Train the eye on pictures of people that it may know; measured on strange ones. Repeatable."""
    torch.manual_seed(seed)
    judge = learn("people judge", CHOICES, known, strange, steps)
    judge.ceiling.update({name: round(share, 4) for name, share in seen_whole(judge, strange).items()})
    print(f"people judge: of strange ones {judge.ceiling}", flush=True)
    return judge


def seen_whole(judge: SceneJudge, drawn: list[Drawn]) -> dict[str, float]:
    """The share of pictures of which all is seen that was asked for: hair, glasses and beard (`traits`), and whether it
    is a man or a woman too (`people`), which strangers are taken for most easily. What is not worn is not asked for."""
    seen = judge.look(np.stack([picture for picture, _ in drawn]))
    right = [
        {question: one[question] == answer for question, answer in answers.items() if answer != PLAIN}
        for one, (_, answers) in zip(seen, drawn, strict=True)
    ]
    traits = [all(hit for question, hit in hits.items() if question != "who") for hits in right]
    return {"people": float(np.mean([all(hits.values()) for hits in right])), "traits": float(np.mean(traits))}


def main() -> None:
    from dataclasses import asdict

    from model.training.people import load_people

    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.people_judge", description="Train the judge of people anew."
    )
    parser.add_argument("people", type=Path, help="people.zip of a model.training run: those to measure with")
    parser.add_argument("modules", type=Path, help="its npm/node_modules")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--pictures", type=int, default=14_000)
    parser.add_argument("--out", type=Path, default=JUDGE_FILE)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng, strangers = random.Random(7), load_people(options.people)
    pictures, traits = draw_persons(options.modules, 2800, 160, *SETS)
    numbers = [rng.randrange(len(pictures)) for _ in range(options.pictures)]
    known = [draw(pictures[number], traits[number], rng) for number in numbers]
    grown = [n for n, traits in enumerate(strangers.traits) if traits.who in CHOICES["who"]]
    rng = random.Random(8)
    strange = [draw(strangers.pictures[n], asdict(strangers.traits[n]), rng) for n in rng.sample(grown, 600)]
    train_people_judge(known, strange, options.steps).save(options.out)


if __name__ == "__main__":
    main()
