"""What a run was told, where its parts lie, and what is refused before its work starts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from . import data, text_encoder
from .compose import PictureSet
from .folder import WEIGHTS_FILES, TrainingError, check_part, check_weights, open_run
from .lessons import Phrasebook
from .recipe import Recipe

if TYPE_CHECKING:
    from transformers import CLIPTextModel, CLIPTokenizer

HELD_BACK = 512  # pictures at the end of a set on which nothing trains


@dataclass(frozen=True)
class Run:
    """Everything a training run is told. `init` is a whole model to start from; `checkpoint` a folder with some parts
    (`vae`, `unet`, `text_encoder`) of an unfinished model of the recipe's shape, which take precedence; `mix` is the
    share of them in the denoiser and the text tower to start from, the rest is of `init`."""

    out: Path
    recipe: Recipe
    device: str = "auto"
    init: Path | None = None
    checkpoint: Path | None = None
    mix: float = 1.0
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
        for place in (self.out / stage / part, *self.begun(part)):
            if place.exists():
                return place
        raise TrainingError(f"There is no {part} in {self.out}: run the stage '{stage}' first, or give --init.")

    def begun(self, part: str) -> list[Path]:
        """Where a part to go on from lies: in the checkpoint, then in the model to start from."""
        folders = [folder for folder in (self.checkpoint, self.init) if folder is not None]
        return [folder / part for folder in folders if (folder / part).exists()]


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
    check_mix(run)
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


def check_checkpoint(folder: Path, recipe: Recipe) -> None:
    """Raise TrainingError unless the parts in `folder` are readable and of the recipe's shape."""
    from diffusers import UNet2DConditionModel

    parts = [part for part in ("vae", "unet", "text_encoder") if (folder / part).is_dir()]
    if not parts:
        raise TrainingError(f"{folder} holds no part of a model: neither vae nor unet nor text_encoder.")
    for part in parts:
        check_part(folder, part)
    if "vae" in parts and not is_same(folder / "vae", recipe):
        raise TrainingError(f"The autoencoder in {folder} has another shape than the recipe '{recipe.name}'.")
    if "unet" in parts:
        unet = UNet2DConditionModel.load_config(folder / "unet")
        if (unet["in_channels"], tuple(unet["block_out_channels"])) != (recipe.latent_channels, recipe.unet_channels):
            raise TrainingError(f"The denoiser in {folder} has another shape than the recipe '{recipe.name}'.")


def check_mix(run: Run) -> None:
    """Raise TrainingError unless the weights to start from can be mixed as the run says."""
    if not 0 < run.mix <= 1:
        raise TrainingError(f"--mix must be more than 0 and at most 1, not {run.mix:g}.")
    if run.mix == 1:
        return
    if run.checkpoint is None or run.init is None:
        raise TrainingError("--mix takes two sets of weights: give both --checkpoint and --init.")
    if (run.checkpoint / "vae").exists() or not is_same(run.init / "vae", run.recipe):
        raise TrainingError("--mix takes two denoisers of the same latents: those of --init's autoencoder.")


def mix_weights(run: Run) -> Run:
    """The run that starts from the mean of its two sets of weights, which is kept in OUT/start.

    Fine-tuned weights and those that they began from lie in one basin, so their mean knows most of what either does
    (Wortsman et al. 2022, arXiv 2109.01903)."""
    if run.mix == 1 or run.checkpoint is None or run.init is None:
        return run
    start = run.out / "start"
    for part in ("unet", "text_encoder"):
        if (run.checkpoint / part).exists():
            mix_part(run.checkpoint / part, run.init / part, start / part, run.mix)
    return replace(run, checkpoint=start)


def mix_part(new: Path, old: Path, mixed: Path, share: float) -> None:
    """Write the mean of two parts of a model: `share` of the weights in `new`, the rest of those in `old`, in single
    precision. Weights that `new` does not have are left out. Raises TrainingError where the two do not fit."""
    from safetensors.torch import load_file, save_file

    name = WEIGHTS_FILES[new.name]
    known, weights = load_file(old / name), load_file(new / name)
    for key, tensor in weights.items():
        if key not in known or known[key].shape != tensor.shape:
            raise TrainingError(f"The {new.name} in {new.parent} and in {old.parent} cannot be mixed: {key} differs.")
        weights[key] = torch.lerp(known[key].float(), tensor.float(), share)
    mixed.mkdir(parents=True, exist_ok=True)
    if (new / "config.json").exists():  # layers of a text tower have none of their own
        shutil.copyfile(new / "config.json", mixed / "config.json")
    save_file(weights, mixed / name, metadata={"format": "pt"})


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


def is_same(vae: Path, recipe: Recipe) -> bool:
    """Whether an autoencoder has the recipe's latents."""
    from diffusers import AutoencoderKL

    found = AutoencoderKL.load_config(vae)
    return (tuple(found["block_out_channels"]), found["latent_channels"]) == (
        recipe.vae_channels,
        recipe.latent_channels,
    )


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


def load_text_encoder(run: Run, init_only: bool = False, stage: str = "text") -> tuple[CLIPTokenizer, CLIPTextModel]:
    """The tokenizer, and the text tower as it was after `stage`, or after the stage `text` where that left it alone."""
    from transformers import CLIPTextModel, CLIPTokenizer

    places = [run.init / part if init_only and run.init is not None else run.source("text", part)
              for part in ("tokenizer", "text_encoder")]  # fmt: skip
    if (run.out / stage / "text_encoder").exists() and not init_only:
        places[1] = run.out / stage / "text_encoder"
    elif run.checkpoint is not None and places[1].parent == run.checkpoint:
        return CLIPTokenizer.from_pretrained(places[0]), text_encoder.read_layers(places[1], run.init)
    return CLIPTokenizer.from_pretrained(places[0]), CLIPTextModel.from_pretrained(places[1], dtype=torch.float32)
