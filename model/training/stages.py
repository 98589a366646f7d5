"""The run from top to bottom: which stage needs what, where it comes from, and where it is kept.

    OUT/data/icons.zip, people.zip, words.json, pictures-000.*    data
    OUT/autoencoder/vae/                        autoencoder
    OUT/text/text_encoder/, tokenizer/, image_encoder/    text
    OUT/denoiser/unet/                          denoiser
    OUT/model/                                  export: the folder to ship

A stage takes what it needs from the stages before it, and where those have not run, from `--init`. From weights of the
recipe's own shape a run goes on: the encoder and the text tower, which their denoiser reads, stay. From weights of half
the size it grows: their latents become the first channels of the new ones, and their denoiser learns the others.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from . import autoencoder, compose, data, denoiser, lessons, people, text_encoder
from .compose import Pictures, PictureSet
from .export import export
from .folder import TrainingError, check_part, check_weights, open_run
from .lessons import Phrasebook
from .nouns import CORE, LATER
from .recipe import Recipe
from .scenes import SceneComposer
from .styles import STYLES
from .words import chinese_words, emoji_words, find_synonyms

if TYPE_CHECKING:
    from diffusers import AutoencoderKL
    from transformers import CLIPTextModel, CLIPTokenizer

STAGES = ("data", "autoencoder", "text", "denoiser", "export")
SHARES = {"autoencoder": 0.25, "text": 0.1, "denoiser": 0.65}  # of the minutes
HELD_BACK = 512  # pictures at the end of a set on which nothing trains
FITTED = 1500  # pictures from which the encoder is written


@dataclass(frozen=True)
class Run:
    """Everything a training run is told. `init` is a whole model to start from; `checkpoint` a folder with some parts
    (`vae`, `unet`) of an unfinished model of the recipe's shape, which take precedence."""

    out: Path
    recipe: Recipe
    device: str = "auto"
    init: Path | None = None
    checkpoint: Path | None = None
    icons: Path | None = None
    cache: Path | None = None
    processes: int = 1
    seed: int = 0

    @property
    def torch_device(self) -> torch.device:
        name = ("cuda" if torch.cuda.is_available() else "cpu") if self.device == "auto" else self.device
        return torch.device(name)

    def source(self, stage: str, part: str) -> Path:
        """Where `part` of an earlier stage lies: in this run, else in the weights it starts from."""
        folders = [self.out / stage, *(folder for folder in (self.checkpoint, self.init) if folder is not None)]
        for folder in folders:
            if (folder / part).exists():
                return folder / part
        raise TrainingError(f"There is no {part} in {self.out}: run the stage '{stage}' first, or give --init.")


def check(run: Run, stages: Sequence[str]) -> None:
    """Everything that can be known to fail before the work starts."""
    try:
        device = run.torch_device
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError):
        raise TrainingError(f"The device '{run.device}' is not available here; use --device cpu or auto.") from None
    if run.init is not None:
        check_weights(run.init)
        check_shapes(run.init, run.recipe)
    if run.checkpoint is not None:
        check_checkpoint(run.checkpoint, run.recipe)
    if run.icons is not None and not run.icons.is_file():
        raise TrainingError(f"There is no file {run.icons}.")
    if "data" in stages and run.icons is None and not (run.out / "data" / "icons.zip").exists():
        try:
            import resvg_py  # noqa: F401
        except ImportError:
            raise TrainingError("Rendering needs the extra 'training': pip install -e '.[worker,training]'.") from None
        if shutil.which("npm") is None:
            raise TrainingError("Fetching the icons needs npm (from Node.js), or give an icons.zip with --icons.")
    open_run(run.out, run.recipe.name, run.recipe.disk_bytes)


def begun_parts(run: Run, part: str) -> list[Path]:
    """Where a part to go on from lies: in the checkpoint, then in the model to start from."""
    folders = [folder for folder in (run.checkpoint, run.init) if folder is not None]
    return [folder / part for folder in folders if (folder / part).exists()]


def check_checkpoint(folder: Path, recipe: Recipe) -> None:
    """Raise TrainingError unless the parts in `folder` are readable and of the recipe's shape."""
    from diffusers import UNet2DConditionModel

    parts = [part for part in ("vae", "unet") if (folder / part).is_dir()]
    if not parts:
        raise TrainingError(f"{folder} holds no part of a model: neither vae nor unet.")
    for part in parts:
        check_part(folder, part)
    if "vae" in parts and not is_same(folder / "vae", recipe):
        raise TrainingError(f"The autoencoder in {folder} has another shape than the recipe '{recipe.name}'.")
    if "unet" in parts:
        unet = UNet2DConditionModel.load_config(folder / "unet")
        if (unet["in_channels"], tuple(unet["block_out_channels"])) != (recipe.latent_channels, recipe.unet_channels):
            raise TrainingError(f"The denoiser in {folder} has another shape than the recipe '{recipe.name}'.")


def is_same(vae: Path, recipe: Recipe) -> bool:
    """Whether an autoencoder has the recipe's latents."""
    from diffusers import AutoencoderKL

    found = AutoencoderKL.load_config(vae)
    return (tuple(found["block_out_channels"]), found["latent_channels"]) == (
        recipe.vae_channels,
        recipe.latent_channels,
    )


def check_shapes(init: Path, recipe: Recipe) -> None:
    """Raise TrainingError unless the weights to start from have the recipe's shape, or half its size and a part of its
    latents."""
    from diffusers import AutoencoderKL, UNet2DConditionModel

    unet, vae = UNet2DConditionModel.load_config(init / "unet"), AutoencoderKL.load_config(init / "vae")
    halvings = len(vae["block_out_channels"]) - 1
    size, widths = unet["sample_size"] * 2**halvings, tuple(unet["block_out_channels"])
    grows = 2 * size == recipe.size and vae["latent_channels"] < recipe.latent_channels
    if widths != recipe.unet_channels or not (is_same(init / "vae", recipe) or grows):
        raise TrainingError(
            f"The model in {init} has {size} pixels, {vae['latent_channels']} latent channels and widths {widths}; "
            f"the recipe '{recipe.name}' has {recipe.size}, {recipe.latent_channels} and {recipe.unet_channels}: "
            "choose the other --recipe or start without --init."
        )


def run_stages(run: Run, stages: Sequence[str], minutes: float) -> None:
    """Run the stages in order; training time is divided among those that train."""
    if minutes <= 0:
        raise TrainingError(f"--minutes must be more than 0, not {minutes:g}.")
    check(run, stages)
    whole = sum(SHARES.get(stage, 0.0) for stage in stages) or 1.0
    for stage in stages:
        print(f"== {stage}", flush=True)
        torch.manual_seed(run.seed)
        share = minutes * SHARES.get(stage, 0.0) / whole
        {"data": make_data, "autoencoder": make_autoencoder, "text": make_text, "denoiser": make_denoiser,
         "export": make_export}[stage](run, share)  # fmt: skip


def make_data(run: Run, _minutes: float) -> None:
    folder, recipe = run.out / "data", run.recipe
    folder.mkdir(exist_ok=True)
    icons, persons, words = folder / "icons.zip", folder / "people.zip", folder / "words.json"
    if run.icons is not None and not icons.exists():
        data.load_icons(run.icons)  # refuses a damaged file before it is taken in
        shutil.copyfile(run.icons, icons)
        for name in (persons.name, words.name):  # what a run has beside its icons
            if (run.icons.parent / name).exists():
                shutil.copyfile(run.icons.parent / name, folder / name)
    if not (icons.exists() and persons.exists() and words.exists()):
        modules = data.fetch(run.cache or run.out / "npm")
        if not icons.exists():
            data.save_icons(data.render(modules, recipe.icon_size, run.processes), icons)
        if not persons.exists():
            drawn = people.draw_people(modules, recipe.people, recipe.icon_size, run.seed + 11, run.processes)
            people.save_people(drawn, persons)
        if not words.exists():
            words.write_text(json.dumps(collect_words(modules), ensure_ascii=False))
    shards = range(-(-recipe.pictures // recipe.shard))
    todo = [(folder, recipe, number, run.seed) for number in shards if not shard_path(folder, number, "json").exists()]
    with get_context("spawn").Pool(max(1, run.processes)) as pool:
        for number in pool.imap(compose_shard, todo):
            print(f"data: pictures {number * recipe.shard} to {(number + 1) * recipe.shard}", flush=True)


def shard_path(folder: Path, number: int, kind: str) -> Path:
    """A file with a part of the training pictures (`npy`) or with what they show (`json`)."""
    return folder / f"pictures-{number:03d}.{kind}"


def compose_shard(task: tuple[Path, Recipe, int, int]) -> int:
    """Draw one part of the training pictures; returns its number. The same task draws the same pictures."""
    folder, recipe, number, seed = task
    synonyms = json.loads((folder / "words.json").read_text())["synonyms"]
    composer = SceneComposer(
        data.load_icons(folder / "icons.zip"), people.load_people(folder / "people.zip"), recipe.mixture, recipe.size,
        synonyms,
    )  # fmt: skip
    rng = random.Random((seed + 1) * 1000 + number)
    compose.save_pictures(shard_path(folder, number, "npy"), [composer.draw(rng) for _ in range(recipe.shard)])
    return number


def collect_words(modules: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    """Other words for the practised nouns: synonyms, Chinese words and emoji."""
    return {"synonyms": find_synonyms(modules), "chinese": chinese_words(modules), "emoji": emoji_words()}


def load_book(run: Run) -> Phrasebook:
    """The phrasebook of a run's data."""
    folder = run.out / "data"
    try:
        words = json.loads((folder / "words.json").read_text())
        concepts = data.load_icons(folder / "icons.zip").concepts
        return Phrasebook(tuple(concept.names[0] for concept in concepts), **words)
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(f"{folder / 'words.json'} cannot be read ({error}): run the stage 'data'.") from None


def load_pictures(run: Run) -> tuple[PictureSet, PictureSet]:
    """The composed pictures in two parts: for training, and held back for measuring."""
    folder = run.out / "data"
    shards = sorted(path.with_suffix("") for path in folder.glob("pictures-*.json"))
    if not shards:
        raise TrainingError(f"There are no pictures in {folder}: run the stage 'data'.")
    try:
        made = PictureSet.load(shards)
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(f"The pictures in {folder} cannot be read ({error}): delete them and run 'data'.") from None
    return made.split(min(HELD_BACK, run.recipe.shard // 8))


def make_autoencoder(run: Run, minutes: float) -> None:
    from diffusers import AutoencoderKL

    training, held_back = load_pictures(run)
    folder = run.out / "autoencoder"
    begun = next((part for part in begun_parts(run, "vae") if is_same(part, run.recipe)), None)
    if begun is not None:
        vae: AutoencoderKL = AutoencoderKL.from_pretrained(begun, dtype=torch.float32)
    else:
        vae = autoencoder.build_autoencoder(run.recipe)
        inherited = None
        if run.init is not None:  # a smaller model: its latents become the first channels, its decoder the trunk
            smaller = AutoencoderKL.from_pretrained(run.init / "vae", dtype=torch.float32)
            inherited = autoencoder.read_encoder(smaller).at_twice_the_size()
            autoencoder.inherit_decoder(vae, smaller, run.seed)
        autoencoder.write_encoder(vae, autoencoder.as_pixels(training.pictures[:FITTED]), inherited)
        if inherited is None:  # the denoiser expects latents of deviation 1
            spread = float(autoencoder.encode_pictures(vae, Pictures([training.pictures[:FITTED]])).float().std())
            vae.register_to_config(scaling_factor=round(1 / spread, 4))

    def save(average: AutoencoderKL) -> None:
        average.save_pretrained(folder / "vae")

    trained = autoencoder.train_decoder(
        vae.to(run.torch_device), training.pictures, run.recipe, minutes, folder, run.seed, save
    )
    for name, chosen in kinds_of(held_back).items():
        if len(chosen):
            measured = autoencoder.measure_autoencoder(trained, Pictures([held_back.pictures[chosen]]))
            print(f"autoencoder: {name}: {describe(measured)}", flush=True)


def kinds_of(pictures: PictureSet) -> dict[str, np.ndarray]:
    """The numbers of the plain pictures, and of those with a place."""
    plain = [
        number for number, scene in enumerate(pictures.scenes) if scene.place is None and scene.style not in STYLES
    ]
    scenes = [number for number, scene in enumerate(pictures.scenes) if scene.place is not None]
    return {"icons": np.array(plain, int), "scenes": np.array(scenes, int)}


def make_text(run: Run, minutes: float) -> None:
    from transformers import CLIPTokenizer

    training, held_back = load_pictures(run)
    folder, book, recipe = run.out / "text", load_book(run), run.recipe
    if run.init is None:
        tokenizer, tower = new_text_tower(training, book, recipe)
        lessons_minutes = 0.0
    else:
        tokenizer, tower = load_text_encoder(run, init_only=True)
        # A tower that already has its positions is one that the denoiser of --init reads: it stays.
        lessons_minutes = 0.75 * minutes if tokenizer.model_max_length < recipe.prompt_tokens else 0.0
    if lessons_minutes:
        meanings = {word: noun for words in (book.chinese, book.emoji) for noun, said in words.items() for word in said}
        tokenizer = lessons.extend_tokenizer(tokenizer, list(meanings), recipe.prompt_tokens)
        tower = lessons.extend_tower(tower, tokenizer, meanings, recipe.prompt_tokens)
    tokenizer.save_pretrained(folder / "tokenizer")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    if lessons_minutes:
        tower = give_lessons(run, tokenizer, tower, training, held_back, book, lessons_minutes)

    def save(towers: text_encoder.Towers) -> None:
        towers.text.save_pretrained(folder / "text_encoder")
        towers.save_image_side(folder / "image_encoder")

    towers = text_encoder.Towers(tower, text_encoder.build_image_tower(recipe)).to(run.torch_device)
    trained = text_encoder.train_towers(
        towers, tokenizer, training, recipe, minutes - lessons_minutes, folder, lock_text=run.init is not None,
        seed=run.seed, on_checkpoint=save,
    )  # fmt: skip
    print(f"text: {describe(text_encoder.measure_towers(trained, tokenizer, held_back))}", flush=True)


def new_text_tower(training: PictureSet, book: Phrasebook, recipe: Recipe) -> tuple[CLIPTokenizer, CLIPTextModel]:
    """A tokenizer made from the captions and all nouns, with Chinese words and emoji, and an untrained tower for it."""
    words = [word for name in book.names for word in name.split()]
    words += [word for said in book.synonyms.values() for name in said for word in name.split()]
    tokenizer = text_encoder.build_tokenizer((scene.caption for scene in training.scenes), words, recipe)
    further = [word for words in (book.chinese, book.emoji) for said in words.values() for word in said]
    tokenizer = lessons.extend_tokenizer(tokenizer, further, recipe.prompt_tokens)
    return tokenizer, text_encoder.build_text_tower(tokenizer, recipe)


def give_lessons(
    run: Run, tokenizer: CLIPTokenizer, tower: CLIPTextModel, training: PictureSet, held_back: PictureSet,
    book: Phrasebook, minutes: float,
) -> CLIPTextModel:  # fmt: skip
    """Train the tower of `--init` on how people ask, with the denoiser of `--init` as the judge."""
    from diffusers import AutoencoderKL, UNet2DConditionModel

    if run.init is None:
        raise TrainingError("Lessons need a denoiser that already draws: give --init.")
    unet = UNet2DConditionModel.from_pretrained(run.init / "unet", dtype=torch.float32)
    vae = AutoencoderKL.from_pretrained(run.source("autoencoder", "vae"), dtype=torch.float32)
    shown = Pictures([training.pictures[: 4 * FITTED]])
    latents = autoencoder.encode_pictures(vae, shown)[:, : unet.config.in_channels] * vae.config.scaling_factor
    styles = [style for pack in data.PACKAGES for style in pack.styles]
    pupil = lessons.train_lessons(
        tower, tokenizer, (*load_text_encoder(run, init_only=True), unet), training.scenes, latents, book,
        CORE + LATER, styles, run.recipe, minutes, run.out / "text", run.seed,
        lambda pupil: pupil.tower.save_pretrained(run.out / "text" / "text_encoder"),
    )  # fmt: skip
    print(f"lessons: {describe(lessons.measure_lessons(pupil, tokenizer, held_back.scenes, book, training.scenes))}")
    return pupil.tower


def load_text_encoder(run: Run, init_only: bool = False) -> tuple[CLIPTokenizer, CLIPTextModel]:
    from transformers import CLIPTextModel, CLIPTokenizer

    places = [run.init / part if init_only and run.init is not None else run.source("text", part)
              for part in ("tokenizer", "text_encoder")]  # fmt: skip
    return CLIPTokenizer.from_pretrained(places[0]), CLIPTextModel.from_pretrained(places[1], dtype=torch.float32)


def make_denoiser(run: Run, minutes: float) -> None:
    from diffusers import AutoencoderKL, UNet2DConditionModel

    training, _ = load_pictures(run)
    vae = AutoencoderKL.from_pretrained(run.source("autoencoder", "vae"), dtype=torch.float32).to(run.torch_device)
    tokenizer, text = load_text_encoder(run)
    latents = autoencoder.encode_pictures(vae, training.pictures) * vae.config.scaling_factor
    begun = next(iter(begun_parts(run, "unet")), None)
    if begun is None:
        unet = denoiser.build_denoiser(run.recipe)
    else:
        known = UNet2DConditionModel.from_pretrained(begun, dtype=torch.float32)
        unet = denoiser.grow_denoiser(known, run.recipe)
    folder, book, rng = run.out / "denoiser", load_book(run), random.Random(run.seed)
    denoiser.train_denoiser(
        unet, latents, lambda number: book.phrase(training.scenes[number], rng), tokenizer, text, run.recipe, minutes,
        folder, run.seed, run.processes, lambda average: average.save_pretrained(folder / "unet"),
    )  # fmt: skip


def make_export(run: Run, _minutes: float) -> None:
    from diffusers import AutoencoderKL, UNet2DConditionModel

    vae = AutoencoderKL.from_pretrained(run.source("autoencoder", "vae"), dtype=torch.float32)
    unet = UNet2DConditionModel.from_pretrained(run.source("denoiser", "unet"), dtype=torch.float32)
    tokenizer, text = load_text_encoder(run)
    towers = None
    if (run.out / "text" / "image_encoder").exists():
        towers = text_encoder.Towers.load(run.out / "text")
    size = export(run.out / "model", vae, tokenizer, text, unet, towers)
    print(f"export: {run.out / 'model'}, {size / 1e6:.1f} MB", flush=True)


def describe(measured: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in measured.items())
