"""`python -m benchmarks.default_model`: does the default model draw what it is asked for?

Draws grids of four for fixed lists of prompts with the stock diffusers pipeline, with the sampler, steps and guidance
that the catalogue serves unless others are named, and has an independent eye (`judge`) say what it sees. `--json`
prints one JSON object as the last line:

    top1, top5              share of pictures of "a cat" in which the judge sees a cat, first or among its first five
    top1_real               the judge's own share on real pictures of the same nouns (held-back icons): the ceiling
    color                   share of pictures of "a red car" whose object is mostly red
    coloured                share of those in which the judge also sees a car first
    two_objects             share of pictures of "a dog and a heart" with one in each half; pairs never trained on
    style                   share of pictures of "an apple, 3d style" most like the apple of a set of that style
    unseen                  share of pictures of words no caption held ("a kitty") seen as their nearest known noun;
                            some of them are kinds of it in WordNet, and are read as it
    phrases, slips, chinese, emoji
                            share of pictures in which the noun is seen of prompts as people type them ("a majestic
                            lion, digital art"), with slips of the pen ("an elefant"), in Chinese, with emoji
    two_alike               share of pictures of "two cats" with one in each half
    wide                    share of pictures of a noun at 3:2 in which it is seen first, on a square of their ground
    diversity               how different the four of a grid are; 1.0: as different as the noun's real icons
    nearest_training        distance to the nearest training icon, in the judge's features; nearest_training_real is
                            the distance of each real icon to the nearest other one of its noun
    scene_noun, place, time shares of pictures of whole prompts ("an owl in a forest at night, watercolor") in which
                            the judge of scenes sees what the prompt says; *_real are its own on real pictures
    look                    share of pictures of those prompts that name a style in which the judge of looks sees it, in
                            the finished pictures; by_look for each style, *_real its own on real ones
    traits, people          share of pictures of "a man with black hair and a beard" with such hair and a beard, and of
                            those with a man, too
    seconds_per_grid        median time of one grid of four, on one CPU thread
    bytes                   size of the model folder
    passed                  the nouns whose own top1 reaches 0.9 of the ceiling
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.judge import Judge, colour_of, sees_both
from benchmarks.judged_scenes import PLAIN
from benchmarks.look_judge import LookJudge
from benchmarks.people_judge import JUDGE_FILE as PEOPLE_JUDGE
from benchmarks.people_judge import seen_whole
from benchmarks.scene_judge import SceneJudge
from contract.catalogue import EASEL_SMALL
from contract.planning import fit_size
from model import schedulers
from model.errors import ModelError
from model.painting import PLAINLY, painted
from model.request import Prompt
from model.spelling import lexicon_of
from model.training.captions import plural, with_article
from model.training.data import styles_of
from model.training.folder import TrainingError, check_weights
from model.upscale import DRAFT, NARROW, enlarge, load_upscaler

ROOT = Path(__file__).resolve().parent
PROMPTS_FILE = ROOT / "default_model_prompts.json"
DEFAULT_MODEL = ROOT.parent / "model" / "default"
UNGUIDED = 1 + 1e-6


@dataclass(frozen=True)
class Prompts:
    """What is asked for. Colours, styles and unseen words come as pairs with their noun."""

    nouns: tuple[str, ...] = ()
    colors: tuple[tuple[str, str], ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    styles: tuple[tuple[str, str], ...] = ()
    unseen: tuple[tuple[str, str], ...] = ()
    phrases: tuple[tuple[str, str], ...] = ()
    slips: tuple[tuple[str, str], ...] = ()
    chinese: tuple[tuple[str, str], ...] = ()
    emoji: tuple[tuple[str, str], ...] = ()
    alike: tuple[str, ...] = ()  # nouns of which two are asked for
    scenes: tuple[tuple[str, dict[str, str]], ...] = ()  # a prompt, and what the judge of scenes has to see
    free: tuple[str, ...] = ()  # prompts for the contact sheet alone

    @property
    def typed(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """The lists of whole prompts, each with the noun it means."""
        return {"phrases": self.phrases, "chinese": self.chinese, "emoji": self.emoji, "slips": self.slips}


def as_entry(given: object) -> object:
    """A word as it is, a list of words as a tuple."""
    return tuple(given) if isinstance(given, list) else given


def read_prompts(path: Path, known: Sequence[str]) -> Prompts:
    """Prompts from a JSON file like the one beside this module, or from plain text with one prompt a line: those that
    are a noun the judge knows are judged, all are on the contact sheet.

    Raises ValueError, naming what is wrong, for other JSON and for nouns in it that the judge has never seen.
    """
    text = path.read_text()
    try:
        if text.lstrip().startswith("{"):
            lists = json.loads(text)
            entries: dict[str, Any] = {name: tuple(map(as_entry, given)) for name, given in lists.items()}
            prompts = Prompts(**entries)
        else:
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            prompts = Prompts(
                nouns=tuple(line for line in lines if line in known),
                free=tuple(line for line in lines if line not in known),
            )
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is neither a list of prompts nor JSON with lists like those of {PROMPTS_FILE.name}: {error}"
        ) from None
    typed = [entry for entries in prompts.typed.values() for entry in entries]
    asked = {
        *prompts.nouns,
        *prompts.alike,
        *(noun for _, noun in (*prompts.colors, *prompts.styles, *prompts.unseen, *typed)),
    }
    strange = sorted((asked | {noun for pair in prompts.pairs for noun in pair}) - set(known))
    if strange:
        raise ValueError(f"{path}: the judge does not know {', '.join(strange)}. It knows: {', '.join(known)}.")
    return prompts


class Painter:
    """Draws grids of four with the stock pipeline; every picture has its own generator. Prompts are read as they are
    served: with words that the model does not know as the nearest that it does. What asks for a style is painted as it
    is served, on the enlarged picture, and made as small as the others again, which is as large as the judges look.

    `sampler` is one of `model.schedulers.SAMPLERS`, or None for the scheduler that the model's folder names; `interval`
    is the share of the steps in which guidance is on, as in the catalogue. Raises ModelError for a sampler that is not
    there.
    """

    def __init__(
        self,
        model: Path,
        steps: int,
        guidance: float,
        sampler: str | None = None,
        device: str = "cpu",
        interval: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        import diffusers

        self.pipeline = diffusers.DiffusionPipeline.from_pretrained(model, dtype=torch.float32, local_files_only=True)
        self.pipeline.set_progress_bar_config(disable=True)
        self.pipeline.to(device)
        if sampler is not None:
            # diffusers' own class, which is what its pipeline calls; the step engine's steps are equal.
            config = self.pipeline.scheduler.config
            overrides = schedulers.Sampler(sampler, config).overrides
            stock = getattr(diffusers, schedulers.SAMPLERS[sampler].scheduler)
            self.pipeline.scheduler = stock.from_config(config, **overrides)
        self.steps = steps
        low, high = interval
        # The stock pipeline drops the rows of guidance for good where its scale is 1.
        self.guidance = [guidance if low <= step / steps <= high else min(guidance, UNGUIDED) for step in range(steps)]
        self.lexicon = lexicon_of(self.pipeline.tokenizer)
        self.upscaler = load_upscaler(device, NARROW)

    def replace_denoiser(self, folder: Path) -> None:
        """Draw with the denoiser in `folder`, a student, from now on."""
        self.upscaler = load_upscaler(self.pipeline.device, DRAFT)
        from diffusers import UNet2DConditionModel

        self.pipeline.unet = UNet2DConditionModel.from_pretrained(folder, dtype=torch.float32)

    def draw(
        self,
        prompts: Sequence[str],
        seed: int = 0,
        batch: int = 6,
        size: tuple[int, int] | None = None,
        *,
        large: bool = False,
    ) -> np.ndarray:
        """(len(prompts), 4, S, S, 3) uint8, or of a `size` (width, height). With `large` as people get them."""
        width, height = size or (None, None)
        grids = []
        for start in range(0, len(prompts), batch):
            asked = prompts[start : start + batch]
            part = list(asked) if self.lexicon is None else [self.lexicon.read(prompt) for prompt in asked]
            seeds = [seed + 4 * (start + row) + column for row in range(len(part)) for column in range(4)]
            pictures = self.pipeline(
                part,
                num_images_per_prompt=4,
                num_inference_steps=self.steps,
                guidance_scale=self.guidance[0],
                callback_on_step_end=self._guide_next,
                generator=[torch.Generator().manual_seed(one) for one in seeds],
                output_type="np",
                width=width,
                height=height,
            ).images
            drawn = (pictures * 255).round().astype(np.uint8)
            made = [self._finished(one, asked[row // 4], seeds[row], large) for row, one in enumerate(drawn)]
            grids.append(np.stack(made).reshape(len(part), 4, *made[0].shape))
        return np.concatenate(grids)

    def _guide_next(self, pipeline: Any, step: int, _timestep: int, tensors: dict[str, Any]) -> dict[str, Any]:
        pipeline._guidance_scale = self.guidance[min(step + 1, self.steps - 1)]
        return tensors

    def _finished(self, picture: NDArray[np.uint8], prompt: str, seed: int, large: bool) -> NDArray[np.uint8]:
        manner = PLAINLY if self.lexicon is None else self.lexicon.manner(Prompt(((prompt, 1.0),)))
        if manner == PLAINLY and not large:
            return picture
        made = painted(enlarge(self.upscaler, [picture])[0], manner, seed)
        small = picture.shape[1::-1]
        return made if large else np.asarray(Image.fromarray(made).resize(small, Image.Resampling.BOX))

    def seconds_per_grid(self, repeats: int = 3, clock: Callable[[], float] = time.perf_counter) -> float:
        """Median time of a grid of four by a clock, after one to warm up."""
        self.draw(["a red apple"])
        times = []
        for seed in range(repeats):
            start = clock()
            self.draw(["a red apple"], seed)
            times.append(clock() - start)
        return statistics.median(times)


def flat(grids: np.ndarray) -> np.ndarray:
    """(P, 4, S, S, 3) grids as a list of pictures (4P, S, S, 3)."""
    return grids.reshape(-1, *grids.shape[2:])


def on_a_square(grids: np.ndarray) -> np.ndarray:
    """Wide pictures (P, 4, h, w, 3) in the middle of squares, with more of the ground above and below them."""
    room = grids.shape[3] - grids.shape[2]
    return np.pad(grids, ((0, 0), (0, 0), (room // 2, room - room // 2), (0, 0), (0, 0)), mode="edge")


def noun_hits(judge: Judge, grids: np.ndarray, nouns: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """For each noun and picture (P, 4): is it the judge's first answer, is it among the first five."""
    wanted = torch.tensor([judge.nouns.index(noun) for noun in nouns]).repeat_interleave(grids.shape[1])
    best = judge.look(flat(grids))[0].topk(5).indices
    first, five = best[:, 0] == wanted, (best == wanted[:, None]).any(1)
    return first.reshape(len(nouns), -1).numpy(), five.reshape(len(nouns), -1).numpy()


def style_hits(judge: Judge, grids: np.ndarray, styles: Sequence[str], nouns: Sequence[str]) -> np.ndarray:
    """(P, 4): whether, of all the noun's icons, one from a set of the asked style is most like the picture."""
    _, features = judge.look(flat(grids))
    sets = judge.set_of(features, [noun for noun in nouns for _ in range(grids.shape[1])])
    asked = [style for style in styles for _ in range(grids.shape[1])]
    return np.array([style in styles_of(one) for style, one in zip(asked, sets, strict=True)]).reshape(len(styles), -1)


def spread(features: torch.Tensor) -> float:
    """Mean cosine distance between all pairs of unit features (N, D)."""
    count = len(features)
    return float(1 - (features @ features.T).sum().sub(count) / (count * (count - 1)))


def diversity(judge: Judge, grids: np.ndarray, nouns: Sequence[str]) -> float:
    """Mean spread within a grid, as a share of the spread of the noun's real icons."""
    features = judge.look(flat(grids))[1].reshape(len(nouns), grids.shape[1], -1)
    owners = torch.tensor(judge.reference_nouns)
    shares = []
    for noun, drawn in zip(nouns, features, strict=True):
        real = judge.references[owners == judge.nouns.index(noun)]
        if len(real) > 1:
            shares.append(spread(drawn) / max(spread(real), 1e-6))
    return float(np.mean(shares))


def nearest_training(judge: Judge, grids: np.ndarray) -> tuple[float, float]:
    """Mean distance of drawn pictures to the nearest icon, and of icons to the nearest other icon of their noun."""
    features = judge.look(flat(grids))[1]
    drawn = 1 - (features @ judge.references.T).amax(1)
    owners = torch.tensor(judge.reference_nouns)
    between = judge.references @ judge.references.T
    between[owners[:, None] != owners[None]] = -1
    between.fill_diagonal_(-1)
    real = 1 - between.amax(1)[between.amax(1) > -1]
    return float(drawn.mean()), float(real.mean())


def contact_sheet(rows: Sequence[tuple[str, np.ndarray]], columns: int = 6) -> Image.Image:
    """Labelled grids (4, S, S, 3) side by side."""
    size = rows[0][1].shape[1]
    width, height = 4 * size + 8, size + 16
    sheet = Image.new("RGB", (columns * width, -(-len(rows) // columns) * height), (24, 24, 28))
    pen = ImageDraw.Draw(sheet)
    for number, (label, pictures) in enumerate(rows):
        left, top = number % columns * width, number // columns * height
        pen.text((left + 2, top + 2), label, fill=(235, 235, 235))
        for column, picture in enumerate(pictures):
            sheet.paste(Image.fromarray(picture), (left + column * size, top + 14))
    return sheet


def measure(painter: Painter, judge: Judge, prompts: Prompts) -> tuple[dict[str, Any], list[tuple[str, np.ndarray]]]:
    """Draw everything and judge it; returns the figures and the labelled grids."""
    figures: dict[str, Any] = {}
    sheet: list[tuple[str, np.ndarray]] = []

    def draw(asked: Sequence[str], seed: int) -> np.ndarray:
        grids = painter.draw(asked, seed)
        sheet.extend(zip(asked, grids, strict=True))
        return grids

    if prompts.nouns:
        asked = [with_article(noun) for noun in prompts.nouns]
        # Two grids a noun: four pictures are too few to say of one noun that it passes.
        grids = np.concatenate([draw(asked, seed=0), painter.draw(asked, seed=100_000)], axis=1)
        first, five = noun_hits(judge, grids, prompts.nouns)
        ceiling = judge.ceiling["top1"]
        scores = first.mean(1)
        figures |= {"top1": first.mean(), "top5": five.mean(), "top1_real": ceiling, "top5_real": judge.ceiling["top5"]}
        figures["diversity"] = diversity(judge, grids[:, :4], prompts.nouns)
        figures["nearest_training"], figures["nearest_training_real"] = nearest_training(judge, grids)
        figures["passed"] = [n for n, score in zip(prompts.nouns, scores, strict=True) if score >= 0.9 * ceiling]
        figures["by_noun"] = dict(zip(prompts.nouns, scores.tolist(), strict=True))
        wide = painter.draw(asked, seed=1_200_000, size=fit_size(EASEL_SMALL, 3, 2))
        figures["wide"] = noun_hits(judge, on_a_square(wide), prompts.nouns)[0].mean()
    if prompts.colors:
        grids = draw([with_article(f"{color} {noun}") for color, noun in prompts.colors], seed=200_000)
        hits = [colour_of(picture) == color for (color, _), grid in zip(prompts.colors, grids, strict=True)
                for picture in grid]  # fmt: skip
        seen = noun_hits(judge, grids, [noun for _, noun in prompts.colors])[0].ravel()
        figures |= {
            "color": np.mean(hits),
            "color_real": judge.ceiling["color"],
            "coloured": np.mean(np.array(hits) & seen),
        }
    if prompts.pairs:
        grids = draw([f"{with_article(a)} and {with_article(b)}" for a, b in prompts.pairs], seed=300_000)
        hits = [
            sees_both(judge, picture, pair) for pair, grid in zip(prompts.pairs, grids, strict=True) for picture in grid
        ]
        figures |= {"two_objects": np.mean(hits), "two_objects_real": judge.ceiling["two_objects"]}
    if prompts.styles:
        grids = draw([f"{with_article(noun)}, {style}" for style, noun in prompts.styles], seed=400_000)
        styled = style_hits(judge, grids, *zip(*prompts.styles, strict=True))
        figures |= {"style": styled.mean(), "style_real": judge.ceiling["style"]}
    if prompts.unseen:
        grids = draw([with_article(word) for word, _ in prompts.unseen], seed=500_000)
        figures["unseen"] = noun_hits(judge, grids, [noun for _, noun in prompts.unseen])[0].mean()
    for place, (name, entries) in enumerate(prompts.typed.items()):
        if entries:
            grids = draw([prompt for prompt, _ in entries], seed=600_000 + 100_000 * place)
            figures[name] = noun_hits(judge, grids, [noun for _, noun in entries])[0].mean()
    if prompts.alike:
        grids = draw([f"two {plural(noun)}" for noun in prompts.alike], seed=1_100_000)
        alike = zip(prompts.alike, grids, strict=True)
        figures["two_alike"] = np.mean([sees_both(judge, one, (noun, noun)) for noun, grid in alike for one in grid])
    if prompts.scenes:
        grids = draw([prompt for prompt, _ in prompts.scenes], seed=900_000)
        wanted = [answers for _, answers in prompts.scenes]
        figures |= scene_figures(SceneJudge.load(), grids, wanted)
        figures |= people_figures(SceneJudge.load(PEOPLE_JUDGE), grids, wanted)
        in_style = {prompt: wanted["style"] for prompt, wanted in prompts.scenes if wanted.get("style", PLAIN) != PLAIN}
        if in_style:
            grids = painter.draw(list(in_style), seed=950_000, large=True)
            figures |= look_figures(LookJudge.load(), grids, list(in_style.values()))
    if prompts.free:
        draw(prompts.free, seed=1_000_000)
    return figures, sheet


def scene_figures(judge: SceneJudge, grids: NDArray[np.uint8], wanted: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """For every question, the share of right answers among the grids that have it, and the judge's own on real ones."""
    seen, count = judge.look(flat(grids)), grids.shape[1]
    asked = [
        (answers, one) for place, answers in enumerate(wanted) for one in seen[place * count : (place + 1) * count]
    ]
    figures: dict[str, Any] = {}
    for question, name in (("noun", "scene_noun"), ("place", "place"), ("time", "time")):
        hits = [one[question] == answers[question] for answers, one in asked if question in answers]
        if hits:
            figures |= {name: np.mean(hits), f"{name}_real": judge.ceiling[question]}
    return figures


def people_figures(judge: SceneJudge, grids: NDArray[np.uint8], wanted: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Of the pictures of people, the shares in which all that was asked for is seen, and the judge's own."""
    asked = [place for place, answers in enumerate(wanted) if "who" in answers]
    if not asked:
        return {}
    drawn = [
        (picture, {question: answer for question, answer in wanted[place].items() if question in judge.choices})
        for place in asked
        for picture in grids[place]
    ]
    found = seen_whole(judge, drawn)
    return found | {f"{name}_real": judge.ceiling[name] for name in found}


def look_figures(judge: LookJudge, grids: NDArray[np.uint8], wanted: Sequence[str]) -> dict[str, Any]:
    """The share of pictures of which the judge sees the wanted style, one a grid: of all, of each style, and of as many
    real ones."""
    count = grids.shape[1]
    hits: dict[str, list[bool]] = {}
    for place, seen in enumerate(judge.look(flat(grids))):
        style = wanted[place // count]
        hits.setdefault(style, []).append(seen == style)
    real = {style: judge.ceiling[style] for style in hits}
    return {
        "look": np.mean([hit for found in hits.values() for hit in found]),
        "look_real": np.mean([real[style] for style in wanted]),
        "by_look": {style: np.mean(found) for style, found in hits.items()},
        "by_look_real": real,
    }


def rounded(value: object) -> object:
    """Numbers to four places, inside lists and tables too, as JSON takes them."""
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    return round(float(value), 4) if isinstance(value, float | np.floating) else value


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.default_model", description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object, as the last line")
    parser.add_argument("--prompts", type=Path, default=PROMPTS_FILE, help="other lists: JSON, or one prompt a line")
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="the model's folder (default: model/default)")
    parser.add_argument(
        "--sheet", type=Path, default=Path("build/default_model.png"), help="where the contact sheet goes"
    )
    served = EASEL_SMALL
    parser.add_argument("--sampler", default=served.sampler, help=f"default: {served.sampler}, as the catalogue serves")
    parser.add_argument("--steps", type=int, default=served.num_inference_steps, help=f"{served.num_inference_steps}")
    parser.add_argument("--guidance", type=float, default=served.guidance_scale, help=f"{served.guidance_scale}")
    parser.add_argument(
        "--interval",
        type=float,
        nargs=2,
        metavar=("FROM", "TO"),
        default=served.guidance_interval,
        help="the share of the steps in which guidance is on, as the catalogue serves",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(1)
    try:
        check_weights(options.model)
        judge = Judge.load()
        prompts = read_prompts(options.prompts, judge.nouns)
        painter = Painter(
            options.model, options.steps, options.guidance, options.sampler, interval=tuple(options.interval)
        )
    except (TrainingError, ModelError, ValueError, OSError) as error:
        print(f"benchmarks.default_model: {error}", file=sys.stderr)
        return 1
    figures, sheet = measure(painter, judge, prompts)
    figures["seconds_per_grid"] = painter.seconds_per_grid()
    figures["bytes"] = sum(path.stat().st_size for path in options.model.rglob("*") if path.is_file())
    figures |= {"sampler": options.sampler, "steps": options.steps, "guidance": options.guidance}
    figures["interval"] = list(options.interval)
    options.sheet.parent.mkdir(parents=True, exist_ok=True)
    contact_sheet(sheet).save(options.sheet, optimize=True)
    print(f"contact sheet: {options.sheet}", file=sys.stderr)
    if options.json:
        print(json.dumps({name: rounded(value) for name, value in figures.items()}), flush=True)
    else:
        for name, value in figures.items():
            print(f"{name:22} {rounded(value)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
