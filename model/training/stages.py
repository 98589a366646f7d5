"""The run from top to bottom: which stage needs what, where it comes from, and where it is kept.

    OUT/data/icons.zip, practised.*, broad.*    data
    OUT/autoencoder/vae/                        autoencoder
    OUT/text/text_encoder/, tokenizer/, image_encoder/    text
    OUT/denoiser/unet/                          denoiser
    OUT/model/                                  export: the folder to ship

A stage takes what it needs from the stages before it, and where those have not run, from `--init`. Weights that the
denoiser of `--init` already reads (its encoder and its text tower) are kept as they are.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from . import autoencoder, compose, data, denoiser, text_encoder
from .compose import PictureSet
from .export import export
from .folder import TrainingError, check_weights, open_run
from .recipe import Recipe

if TYPE_CHECKING:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

STAGES = ("data", "autoencoder", "text", "denoiser", "export")
SHARES = {"autoencoder": 0.25, "text": 0.1, "denoiser": 0.65}  # of the minutes
HELD_BACK = 512  # pictures at the end of a set on which nothing trains


@dataclass(frozen=True)
class Run:
    """Everything a training run is told."""

    out: Path
    recipe: Recipe
    device: str = "auto"
    init: Path | None = None
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
        own = self.out / stage / part
        if own.exists():
            return own
        if self.init is not None and (self.init / part).exists():
            return self.init / part
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


def check_shapes(init: Path, recipe: Recipe) -> None:
    """Raise TrainingError where the weights to start from have other sizes than the recipe."""
    from diffusers import AutoencoderKL, UNet2DConditionModel

    unet, vae = UNet2DConditionModel.load_config(init / "unet"), AutoencoderKL.load_config(init / "vae")
    found = (unet["sample_size"] * 8, tuple(unet["block_out_channels"]), tuple(vae["block_out_channels"]))
    wanted = (recipe.size, recipe.unet_channels, recipe.vae_channels)
    if found != wanted:
        raise TrainingError(
            f"The model in {init} has size and widths {found}, the recipe '{recipe.name}' {wanted}: "
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
    icons = folder / "icons.zip"
    if not icons.exists():
        if run.icons is not None:
            data.load_icons(run.icons)  # refuses a damaged file before it is taken in
            shutil.copyfile(run.icons, icons)
        else:
            modules = data.fetch(run.cache or run.out / "npm")
            data.save_icons(data.render(modules, recipe.icon_size, run.processes), icons)
    broad = replace(recipe.mixture, only=(), breadth=0.4, moved=0.4, mirrored=0.5)
    for name, mixture, count, seed in (
        ("practised", recipe.mixture, recipe.pictures, 1),
        ("broad", broad, recipe.broad_pictures, 2),
    ):
        if not (folder / f"{name}.json").exists():
            made = compose.compose(icons, mixture, recipe.size, count, run.seed * 10 + seed, run.processes)
            made.save(folder / name)
            print(f"{name}: {count} pictures", flush=True)


def load_pictures(run: Run, name: str) -> tuple[PictureSet, PictureSet]:
    """A composed set in two parts: for training, and held back for measuring."""
    path = run.out / "data" / name
    try:
        made = PictureSet.load(path)
    except (OSError, ValueError) as error:
        raise TrainingError(f"The pictures {path}.npy cannot be read ({error}): run the stage 'data'.") from None
    kept = min(HELD_BACK, len(made.scenes) // 8)
    return (
        PictureSet(made.pictures[:-kept], made.scenes[:-kept]),
        PictureSet(made.pictures[-kept:], made.scenes[-kept:]),
    )


def make_autoencoder(run: Run, minutes: float) -> None:
    from diffusers import AutoencoderKL

    training, held_back = load_pictures(run, "broad")
    if run.init is not None:
        vae: AutoencoderKL = AutoencoderKL.from_pretrained(run.init / "vae", dtype=torch.float32)
    else:
        vae = autoencoder.build_autoencoder(run.recipe)
        autoencoder.write_pca_encoder(vae, autoencoder.as_pixels(training.pictures[:1500]))
    folder = run.out / "autoencoder"

    def save(average: AutoencoderKL) -> None:
        average.save_pretrained(folder / "vae")

    trained = autoencoder.train_autoencoder(
        vae.to(run.torch_device), training.pictures, run.recipe, minutes, folder,
        train_encoder=run.init is None, seed=run.seed, on_checkpoint=save,
    )  # fmt: skip
    measured = autoencoder.measure_autoencoder(trained, held_back.pictures)
    if run.init is None:  # the denoiser expects latents of deviation 1
        trained.register_to_config(scaling_factor=round(1 / measured["latent_std"], 4))
        trained.save_pretrained(folder / "vae")
    print(f"autoencoder: {describe(measured)}", flush=True)


def make_text(run: Run, minutes: float) -> None:
    from transformers import CLIPTextModel, CLIPTokenizer

    training, held_back = load_pictures(run, "broad")
    folder = run.out / "text"
    if run.init is not None:
        tokenizer = CLIPTokenizer.from_pretrained(run.init / "tokenizer")
        tower: CLIPTextModel = CLIPTextModel.from_pretrained(run.init / "text_encoder", dtype=torch.float32)
    else:
        icons = data.load_icons(run.out / "data" / "icons.zip")
        words = [word for concept in icons.concepts for name in concept.names for word in name.split()]
        tokenizer = text_encoder.build_tokenizer((scene.caption for scene in training.scenes), words, run.recipe)
        tower = text_encoder.build_text_tower(tokenizer, run.recipe)
    tokenizer.save_pretrained(folder / "tokenizer")

    def save(towers: text_encoder.Towers) -> None:
        towers.text.save_pretrained(folder / "text_encoder")
        towers.save_image_side(folder / "image_encoder")

    towers = text_encoder.Towers(tower, text_encoder.build_image_tower(run.recipe)).to(run.torch_device)
    trained = text_encoder.train_towers(
        towers, tokenizer, training, run.recipe, minutes, folder, lock_text=run.init is not None, seed=run.seed,
        on_checkpoint=save,
    )  # fmt: skip
    print(f"text: {describe(text_encoder.measure_towers(trained, tokenizer, held_back))}", flush=True)


def load_text_encoder(run: Run) -> tuple[CLIPTokenizer, CLIPTextModel]:
    from transformers import CLIPTextModel, CLIPTokenizer

    return (
        CLIPTokenizer.from_pretrained(run.source("text", "tokenizer")),
        CLIPTextModel.from_pretrained(run.source("text", "text_encoder"), dtype=torch.float32),
    )


def make_denoiser(run: Run, minutes: float) -> None:
    from diffusers import AutoencoderKL, UNet2DConditionModel

    training, _ = load_pictures(run, "practised")
    vae = AutoencoderKL.from_pretrained(run.source("autoencoder", "vae"), dtype=torch.float32)
    print(
        f"denoiser: encoding {len(training.scenes)} pictures and their captions (on one CPU core some minutes)",
        flush=True,
    )
    lessons = denoiser.prepare_lessons(training, vae, *load_text_encoder(run), run.torch_device)
    if run.init is not None:
        unet: UNet2DConditionModel = UNet2DConditionModel.from_pretrained(run.init / "unet", dtype=torch.float32)
    else:
        unet = denoiser.build_denoiser(run.recipe)
    folder = run.out / "denoiser"
    denoiser.train_denoiser(
        unet,
        lessons,
        run.recipe,
        minutes,
        folder,
        run.seed,
        run.processes,
        lambda average: average.save_pretrained(folder / "unet"),
    )


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
