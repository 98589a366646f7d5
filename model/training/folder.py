"""The run folder: what a training run writes, how it is recognised, and what is checked before work starts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

MARKER = "easel-training.json"
FORMAT = 1


class TrainingError(Exception):
    """Training cannot start or go on; the message says what is wrong and what to do, in one or two sentences."""


def open_run(folder: Path, recipe_name: str, needed_bytes: int) -> None:
    """Claim `folder` for a run of `recipe_name`, or recognise it as one to resume.

    Refused, before anything is written: a file in the place of the folder, a folder with foreign content, a run of
    another recipe or format, a damaged marker, and a disk with less than `needed_bytes` free.
    """
    if folder.exists() and not folder.is_dir():
        raise TrainingError(f"{folder} is a file; --out needs a folder.")
    marker = folder / MARKER
    if marker.exists():
        try:
            found = json.loads(marker.read_text())
            version, recipe = found["format"], found["recipe"]
        except (ValueError, KeyError, TypeError):
            raise TrainingError(f"{marker} is damaged, so this run cannot be resumed. Choose another --out.") from None
        if version != FORMAT:
            raise TrainingError(f"{folder} was written in format {version}, this program reads {FORMAT}.")
        if recipe != recipe_name:
            raise TrainingError(
                f"{folder} holds a run of the recipe '{recipe}', not '{recipe_name}'. Choose another --out."
            )
    elif folder.exists() and any(folder.iterdir()):
        raise TrainingError(f"{folder} is not empty and is no training run of ours. Choose an empty --out.")
    check_disk(folder, needed_bytes)
    if not marker.exists():
        folder.mkdir(parents=True, exist_ok=True)
        marker.write_text(json.dumps({"format": FORMAT, "recipe": recipe_name}) + "\n")


def check_disk(folder: Path, needed_bytes: int) -> None:
    """Raise TrainingError unless the disk under `folder` (which need not exist yet) has `needed_bytes` free."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed_bytes:
        raise TrainingError(
            f"The disk of {place} has {free / 1e9:.1f} GB free; this run needs about {needed_bytes / 1e9:.1f} GB."
        )


WEIGHTS_FILES = {
    "text_encoder": "model.safetensors",
    "unet": "diffusion_pytorch_model.safetensors",
    "vae": "diffusion_pytorch_model.safetensors",
    "tokenizer": "tokenizer.json",
    "scheduler": "scheduler_config.json",
}


def check_weights(folder: Path) -> None:
    """Raise TrainingError unless `folder` holds a complete, readable model in the diffusers layout."""
    if not (folder / "model_index.json").is_file():
        raise TrainingError(f"{folder} holds no model (model_index.json is missing).")
    for part in WEIGHTS_FILES:
        check_part(folder, part)


def check_part(folder: Path, part: str) -> None:
    """Raise TrainingError unless one part of the model in `folder` is there and readable."""
    from safetensors import SafetensorError, safe_open

    name = WEIGHTS_FILES[part]
    path = folder / part / name
    if not path.is_file():
        raise TrainingError(f"The model in {folder} is incomplete: {part}/{name} is missing.")
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as tensors:
                tensors.keys()
        else:
            json.loads(path.read_text())
    except (SafetensorError, ValueError) as error:
        raise TrainingError(f"The model in {folder} is damaged: {part}/{name} cannot be read ({error}).") from None
