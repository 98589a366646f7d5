"""An eye for looks: in which style a finished picture is painted.

The judge of scenes looks at 64 pixels, where strokes, grain and edges of paper are gone: of real pictures too it names
no oil painting, pixel art or paper cut. This one looks at 128, at the pictures as people get them. It learns from
`judged_scenes`, whose filters are others than those that paint (`model.painting`), all styles alike often, on sharp
pictures and on soft ones such as a model draws. Things that it has not seen are held back; how often it is right on
those is kept as the ceiling of each style. The trained eye ships beside this file; `python -m benchmarks.look_judge
ICONS_ZIP MODULES` makes it anew, from what `benchmarks.scene_judge` takes.
"""

from __future__ import annotations

import argparse
import itertools
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.judged_scenes import PLAIN, SIDE, STYLES, apply_style
from benchmarks.scene_judge import Sources, Stage, as_input, fit, gather, read_eye, write_eye

JUDGE_FILE = Path(__file__).with_name("look_judge.safetensors")
LOOKS = (PLAIN, *STYLES)
SOFT = 64  # pixels that a model draws, before they are enlarged
HELD_BACK = 5  # every fifth thing and person is for measuring


class Eye(nn.Module):
    """Pictures (N, 3, 128, 128) in -1..1 to a score for each of `LOOKS`."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 32, 48, 64)
        self.body = nn.Sequential(*(
            layer for before, after in itertools.pairwise(widths)
            for layer in (nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.SiLU())
        ))  # fmt: skip
        self.answer = nn.Linear(2 * widths[-1], len(LOOKS))

    def forward(self, pixels: Tensor) -> Tensor:
        seen = self.body(pixels)
        scores: Tensor = self.answer(torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], 1))
        return scores


@dataclass(frozen=True)
class LookJudge:
    """A trained eye, and how often it is right on real pictures in each style that it has not seen."""

    eye: Eye
    ceiling: dict[str, float]

    @torch.no_grad()
    def look(self, pictures: NDArray[np.uint8]) -> list[str]:
        """The style of pictures (N, H, W, 3) of any size, one of `LOOKS` each."""
        parts = [self.eye(as_input(pictures[start : start + 64], SIDE)) for start in range(0, len(pictures), 64)]
        return [LOOKS[number] for number in torch.cat(parts).argmax(1).tolist()]

    def save(self, path: Path) -> None:
        write_eye(self.eye, path, ceiling=self.ceiling)

    @classmethod
    def load(cls, path: Path = JUDGE_FILE) -> LookJudge:
        """Raises FileNotFoundError or ValueError for a file that is missing or damaged."""
        tensors, about = read_eye(path)
        eye = Eye()
        eye.load_state_dict(tensors)
        return cls(eye.eval(), about["ceiling"])


# ---- training ------------------------------------------------------------------------------------------------------


def draw(stage: Stage, rng: random.Random) -> tuple[NDArray[np.uint8], str]:
    """One picture (SIDE, SIDE, 3) and its style; half of them as soft as a small picture that was enlarged."""
    canvas, _ = stage.draw_plain(rng)
    if rng.random() < 0.5:
        small = canvas.resize((SOFT, SOFT), Image.Resampling.BOX)
        canvas = small.resize(canvas.size, Image.Resampling.BICUBIC)
    style = rng.choice(LOOKS)
    return np.asarray(canvas if style == PLAIN else apply_style(canvas, style, rng)), style


def split(sources: Sources) -> tuple[Stage, Stage]:
    """What draws pictures to learn from, and what draws those to measure with, of other things and people."""
    things, persons = range(len(sources.nouns)), range(len(sources.persons))
    kept, held = ([number for number in things if (number % HELD_BACK == 0) is held] for held in (False, True))
    known, strange = ([number for number in persons if (number % HELD_BACK == 0) is held] for held in (False, True))
    return Stage(sources, kept, known), Stage(sources, held, strange)


def train_look_judge(sources: Sources, steps: int, pictures: int, seed: int = 5) -> LookJudge:
    """Train the eye; about ten minutes on one free core, and repeatable."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    kept, held = split(sources)
    drawn = [draw(kept, rng) for _ in range(pictures)]
    seen, wanted = np.stack([one for one, _ in drawn]), torch.tensor([LOOKS.index(style) for _, style in drawn])
    eye = Eye()

    def loss_of(picked: Tensor) -> Tensor:
        pixels = disturbed(as_input(seen[picked.numpy()], SIDE))
        return functional.cross_entropy(eye(pixels), wanted[picked], label_smoothing=0.05)

    fit("look judge", eye, loss_of, pictures, steps, rate=3e-3)
    ceiling = recall(LookJudge(eye, {}), [draw(held, rng) for _ in range(150 * len(LOOKS))])
    print(f"look judge: on real pictures {ceiling}", flush=True)
    return LookJudge(eye, ceiling)


def disturbed(pixels: Tensor) -> Tensor:
    """Pictures (N, 3, SIDE, SIDE) as another hand may have made them: larger, in another light, with paper of another
    tone, so that a style is not told by the grey that one filter happens to leave behind."""
    count, side = len(pixels), round(SIDE * (0.55 + 0.45 * torch.rand(1).item()))
    top, left = torch.randint(SIDE - side + 1, (2,)).tolist()
    cut = pixels[:, :, top : top + side, left : left + side]
    cut = cut.flip(3) if torch.rand(1).item() < 0.5 else cut
    larger = functional.interpolate(cut, (SIDE, SIDE), mode="bilinear", align_corners=False)
    light = (larger / 2 + 0.5).clamp(1e-3, 1) ** (0.25 * torch.randn(count, 1, 1, 1)).exp()
    tint = 0.1 * torch.randn(count, 1, 1, 1) + 0.03 * torch.randn(count, 3, 1, 1)
    contrast = 1 + 0.1 * torch.randn(count, 1, 1, 1)
    made: Tensor = ((light * 2 - 1) * contrast + tint).clamp(-1, 1)
    return made


def recall(judge: LookJudge, drawn: list[tuple[NDArray[np.uint8], str]]) -> dict[str, float]:
    """Of the pictures in each style, the share that the judge sees in it."""
    hits: dict[str, list[bool]] = {}
    for seen, (_, style) in zip(judge.look(np.stack([one for one, _ in drawn])), drawn, strict=True):
        hits.setdefault(style, []).append(seen == style)
    return {style: round(float(np.mean(found)), 4) for style, found in sorted(hits.items())}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.look_judge", description="Train the judge of looks anew."
    )
    parser.add_argument("icons", type=Path, help="icons.zip of a model.training run")
    parser.add_argument("modules", type=Path, help="its npm/node_modules")
    parser.add_argument("--steps", type=int, default=3500)
    parser.add_argument("--pictures", type=int, default=12_000)
    parser.add_argument("--out", type=Path, default=JUDGE_FILE)
    options = parser.parse_args()
    torch.set_num_threads(1)
    train_look_judge(gather(options.icons, options.modules), options.steps, options.pictures).save(options.out)


if __name__ == "__main__":
    main()
