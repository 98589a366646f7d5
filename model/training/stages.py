"""The run from top to bottom: which stage needs what, where it comes from, and where it is kept.

    OUT/start/unet/, text_encoder/              what --mix makes of two sets of weights
    OUT/data/icons.zip, people.zip, words.json, pictures-000.*    data
    OUT/autoencoder/vae/                        autoencoder
    OUT/text/text_encoder/, tokenizer/, image_encoder/    text
    OUT/denoiser/unet/, text_encoder/           denoiser, and the text tower that has learned beside it
    OUT/likeness/ip_adapter.safetensors, image_encoder/   likeness
    OUT/student/unet/                           student
    OUT/model/                                  export: the folder to ship
    OUT/checkpoint/unet/, text_encoder/         checkpoint: an unfinished denoiser for --checkpoint of a later run

A stage takes what it needs from the stages before it, and where those have not run, from `--init`. From weights of the
recipe's own shape a run goes on: the encoder and the text tower, which their denoiser reads, stay. From weights of half
the size it grows: their latents become the first channels of the new ones, and their denoiser learns the others.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Collection, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from model.towers import Towers

from . import autoencoder, compose, data, denoiser, lessons, likeness, people, shapes, student, text_encoder
from .compose import Pictures, PictureSet, Scene
from .export import IP_ADAPTER, export, tidy
from .folder import TrainingError
from .lessons import Phrasebook
from .nouns import CORE, LATER, UNSURE
from .recipe import Recipe
from .run import Run, check, is_same, load_book, load_pictures, load_text_encoder, mix_weights
from .scenes import PARTS, SceneComposer
from .styles import STYLES
from .words import chinese_words, emoji_words, find_kinds, find_synonyms, lexicon

if TYPE_CHECKING:
    from diffusers import AutoencoderKL
    from transformers import CLIPTextModel, CLIPTokenizer

STAGES = ("data", "autoencoder", "text", "denoiser", "likeness", "student", "export")
ASKED_FOR = ("checkpoint",)  # runs by its name alone, not with "all"
SHARES = {"autoencoder": 0.2, "text": 0.1, "denoiser": 0.5, "likeness": 0.1, "student": 0.1}  # of the minutes
FITTED_PROJECTIONS = 12_000  # pictures to which the projections of given towers are fitted
FITTED = 1500  # pictures from which the encoder is written


def run_stages(run: Run, stages: Sequence[str], minutes: float) -> None:
    """Run the stages in order; training time is divided among those that train."""
    if minutes <= 0:
        raise TrainingError(f"--minutes must be more than 0, not {minutes:g}.")
    check(run, stages)
    run = mix_weights(run)
    whole = sum(SHARES.get(stage, 0.0) for stage in stages) or 1.0
    for stage in stages:
        print(f"== {stage}", flush=True)
        torch.manual_seed(run.seed)
        share = minutes * SHARES.get(stage, 0.0) / whole
        {"data": make_data, "autoencoder": make_autoencoder, "text": make_text, "denoiser": make_denoiser,
         "likeness": make_likeness, "student": make_student, "export": make_export,
         "checkpoint": make_checkpoint}[stage](run, share)  # fmt: skip


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
    return {
        "synonyms": find_synonyms(modules),
        "kinds": find_kinds(modules),
        "chinese": chinese_words(modules),
        "emoji": emoji_words(),
    }


def make_autoencoder(run: Run, minutes: float) -> None:
    from diffusers import AutoencoderKL

    training, held_back = load_pictures(run)
    folder = run.out / "autoencoder"
    begun = next((part for part in run.begun("vae") if is_same(part, run.recipe)), None)
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
        if run.checkpoint is not None and (run.checkpoint / "text_encoder").exists():
            tower = text_encoder.read_layers(run.checkpoint / "text_encoder", run.init)
        lessons_minutes = 0.75 * minutes if tokenizer.model_max_length < recipe.prompt_tokens else 0.0
    if lessons_minutes:
        meanings = {word: noun for words in (book.chinese, book.emoji) for noun, said in words.items() for word in said}
        tokenizer = lessons.extend_tokenizer(tokenizer, list(meanings), recipe.prompt_tokens)
        tower = lessons.extend_tower(tower, tokenizer, meanings, recipe.prompt_tokens)
    tokenizer.save_pretrained(folder / "tokenizer")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    if lessons_minutes:
        tower = give_lessons(run, tokenizer, tower, training, held_back, book, lessons_minutes)

    def save(towers: Towers) -> None:
        towers.text.save_pretrained(folder / "text_encoder")
        towers.save_image_side(folder / "image_encoder")

    begun = begun_towers(run, tower)
    towers = (begun or Towers(tower, text_encoder.build_image_tower(recipe))).to(run.torch_device)
    if begun is not None:
        text_encoder.fit_projections(towers, tokenizer, training, FITTED_PROJECTIONS)
        save(towers)
    trained = text_encoder.train_towers(
        towers, tokenizer, training, recipe, minutes - lessons_minutes, folder, lock_text=run.init is not None,
        seed=run.seed, on_checkpoint=save,
    )  # fmt: skip
    print(f"text: {describe(text_encoder.measure_towers(trained, tokenizer, held_back))}", flush=True)


def begun_towers(run: Run, tower: CLIPTextModel) -> Towers | None:
    """The towers of `--init` with the text tower `tower`, where their image side looks at pictures of this size."""
    if run.init is None or not (run.init / "image_encoder").exists():
        return None
    towers = Towers.load(run.init)
    towers.text = tower
    return towers if towers.image.config.image_size == run.recipe.size else None


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


def make_denoiser(run: Run, minutes: float) -> None:
    from diffusers import AutoencoderKL, UNet2DConditionModel

    training, _ = load_pictures(run)
    vae = AutoencoderKL.from_pretrained(run.source("autoencoder", "vae"), dtype=torch.float32).to(run.torch_device)
    tokenizer, text = load_text_encoder(run)
    latents = autoencoder.encode_pictures(vae, training.pictures) * vae.config.scaling_factor
    begun = next(iter(run.begun("unet")), None)
    if begun is None:
        unet = denoiser.build_denoiser(run.recipe)
    else:
        known = UNet2DConditionModel.from_pretrained(begun, dtype=torch.float32)
        unet = denoiser.grow_denoiser(known, run.recipe)
    folder, book = run.out / "denoiser", load_book(run)

    def save(average: denoiser.Reading) -> None:
        average.unet.save_pretrained(folder / "unet")
        average.text.save_pretrained(folder / "text_encoder")

    elder: denoiser.Elder | None = None
    plain: list[str | None] = [None] * len(training.scenes)
    if run.init is not None and is_same(run.init / "vae", run.recipe):
        plain = [plain_caption(book, scene) for scene in training.scenes]
        knowing = UNet2DConditionModel.from_pretrained(run.init / "unet", dtype=torch.float32).to(run.torch_device)
        shares = torch.stack([known_share(scene, latents.shape[-1]) for scene in training.scenes])
        elder = denoiser.Elder(knowing.eval(), *load_text_encoder(run, init_only=True), plain, shares)
    wholly = [known is not None and scene.place is None for known, scene in zip(plain, training.scenes, strict=True)]
    unsure = {number for number, name in enumerate(book.names) if name in UNSURE}
    numbers = practise(training.scenes, wholly, unsure)
    denoiser.train_denoiser(
        unet, latents, speaker(run, book, training), tokenizer, text, run.recipe, minutes,
        folder, run.seed, run.processes, save, numbers, elder,
        shapes.encode_shapes(vae, training, run.recipe.shapes, run.seed),
        [number for number in numbers if shapes.fits(training.scenes[number])],
    )  # fmt: skip


def speaker(run: Run, book: Phrasebook, pictures: PictureSet) -> Callable[[int], str]:
    """Says what the picture with a number shows, in other words every time."""
    rng = random.Random(run.seed)
    return lambda number: book.phrase(pictures.scenes[number], rng, run.recipe.grounded)


def practise(scenes: Sequence[Scene], known: Sequence[bool], unsure: Collection[int] = ()) -> list[int]:
    """The numbers of the scenes to draw from, some more than once: what is learned last, the `unsure` concepts, and
    scenes that an elder knows so often that they are about half of all, so that they stay known."""
    numbers = [number for number, scene in enumerate(scenes) if not known[number] for _ in range(turns(scene, unsure))]
    kept = [number for number in range(len(scenes)) if known[number]]
    return numbers + kept * max(1, round(len(numbers) / max(1, len(kept))))


def turns(scene: Scene, unsure: Collection[int] = ()) -> int:
    """How often a scene is learned from: one thing in a place, people, colours and styles are learned last."""
    alone = len(scene.concepts) == 1 or scene.person is not None
    if (scene.place is not None and alone) or not set(scene.concepts).isdisjoint(unsure):
        return 3
    late = scene.place is not None or scene.style in STYLES or scene.person is not None or any(scene.colours)
    return 2 if late else 1


def plain_caption(book: Phrasebook, scene: Scene) -> str | None:
    """By which weights that know `CORE` and `LATER` know what a scene shows, or the thing in its place; None for scenes
    that they do not know. The manner of an icon set, and a thing in a colour, are better learned from pictures."""
    if scene.style is not None or any(scene.colours) or (scene.place is not None and not scene.covered):
        return None
    return book.plainly(scene, [noun for noun in CORE + LATER if noun not in UNSURE], ())


def known_share(scene: Scene, side: int) -> torch.Tensor:
    """How much of each latent (1, side, side) weights know that know plain pictures alone: all, or what lies well
    inside a thing."""
    if scene.place is None:
        return torch.ones(1, side, side)
    covered = torch.tensor(scene.covered or (0,) * PARTS**2).reshape(1, 1, PARTS, PARTS) / 100
    return (2 * torch.nn.functional.interpolate(covered, (side, side), mode="area")[0] - 1).clamp(min=0)


def make_likeness(run: Run, minutes: float) -> None:
    """The image side is fitted to the text tower as it is now, then the denoiser learns to read what it sees."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from safetensors.torch import save_file

    training, _ = load_pictures(run)
    vae = AutoencoderKL.from_pretrained(run.source("autoencoder", "vae"), dtype=torch.float32).to(run.torch_device)
    unet = UNet2DConditionModel.from_pretrained(run.source("denoiser", "unet"), dtype=torch.float32)
    tokenizer, text = load_text_encoder(run, stage="denoiser")
    folder, book = run.out / "likeness", load_book(run)
    folder.mkdir(exist_ok=True)
    fitted = (folder / "image_encoder").exists()
    towers = Towers.load(folder if fitted else run.source("text", "image_encoder").parent, text).to(run.torch_device)
    if not fitted:
        text_encoder.fit_projections(towers, tokenizer, training, FITTED_PROJECTIONS, text_only=True)
        towers.save_image_side(folder / "image_encoder")
    latents = autoencoder.encode_pictures(vae, training.pictures) * vae.config.scaling_factor
    likeness.train_likeness(
        unet, latents, likeness.see_pictures(towers.image, training.pictures),
        speaker(run, book, training), tokenizer, text, run.recipe, minutes, folder,
        run.seed, lambda adapter: save_file(adapter.file(), folder / IP_ADAPTER),
    )  # fmt: skip


def make_student(run: Run, minutes: float) -> None:
    from diffusers import UNet2DConditionModel

    training, _ = load_pictures(run)
    teacher = UNet2DConditionModel.from_pretrained(run.source("denoiser", "unet"), dtype=torch.float32)
    tokenizer, text = load_text_encoder(run, stage="denoiser")
    folder, book = run.out / "student", load_book(run)
    begun: UNet2DConditionModel | None = None
    if run.init is not None and is_same(run.init / "vae", run.recipe) and (run.init / "student").exists():
        earlier, begun = (
            UNet2DConditionModel.from_pretrained(run.init / part, dtype=torch.float32) for part in ("unet", "student")
        )
        student.follow(begun, earlier, teacher)
    student.train_student(
        teacher, len(training.scenes), speaker(run, book, training), tokenizer, text,
        run.recipe, minutes, folder, run.torch_device, run.seed, lambda unet: unet.save_pretrained(folder / "unet"),
        begun, run.processes,
    )  # fmt: skip


def make_export(run: Run, _minutes: float) -> None:
    from diffusers import AutoencoderKL, UNet2DConditionModel

    vae = AutoencoderKL.from_pretrained(run.source("autoencoder", "vae"), dtype=torch.float32)
    unet = UNet2DConditionModel.from_pretrained(run.source("denoiser", "unet"), dtype=torch.float32)
    tokenizer, text = load_text_encoder(run, stage="denoiser")
    towers = None
    for stage in ("likeness", "text"):
        if towers is None and (run.out / stage / "image_encoder").exists():
            towers = Towers.load(run.out / stage, text)
    book, (training, _) = load_book(run), load_pictures(run)
    captions = [scene.caption for scene in training.scenes]
    known = lexicon(
        captions,
        book.kinds or book.synonyms,
        lambda word: len(tokenizer.tokenize(word)) == 1,
        lambda word, noun: text_encoder.likeness(tokenizer, text, word, noun),
    )
    further = [run.out / "student" / "unet", run.out / "likeness" / IP_ADAPTER]
    size = export(run.out / "model", vae, tokenizer, text, unet, towers, known, *further)
    print(f"export: {run.out / 'model'}, {size / 1e6:.1f} MB", flush=True)


def make_checkpoint(run: Run, _minutes: float) -> None:
    """The denoiser as it is now, and the text tower beside it, in half precision and small enough to be handed on."""
    from diffusers import UNet2DConditionModel

    folder, learned = run.out / "checkpoint", run.out / "denoiser" / "unet"
    if not learned.exists():
        raise TrainingError(f"There is no denoiser in {run.out}: run the stage 'denoiser' first.")
    UNet2DConditionModel.from_pretrained(learned, dtype=torch.float16).save_pretrained(folder / "unet")
    tidy(folder / "unet" / "config.json")
    text_encoder.save_layers(load_text_encoder(run, stage="denoiser")[1], folder / "text_encoder")
    print(f"checkpoint: {folder}", flush=True)


def describe(measured: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in measured.items())
