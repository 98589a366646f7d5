"""Stage 7, export: the trained parts as one folder in the diffusers layout, half precision, ready to be shipped."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from model.spelling import WORDS_FILE
from model.towers import Towers

from .data import NAMES_PACKAGE, PACKAGES
from .folder import TrainingError, check_weights
from .noising import SAMPLING, SCHEDULE
from .people import SETS

if TYPE_CHECKING:
    from diffusers import AutoencoderKL
    from transformers import CLIPTextModel, CLIPTokenizer

IP_ADAPTER = "ip_adapter.safetensors"
SIZE_LIMIT = 45_000_000  # bytes: these weights live in every clone of the repository


def export(
    folder: Path,
    vae: AutoencoderKL,
    tokenizer: CLIPTokenizer,
    text_encoder: CLIPTextModel,
    unet: Any,
    towers: Towers | None,
    words: Mapping[str, str],
    student: Path | None = None,
    ip_adapter: Path | None = None,
) -> int:
    """Write the model to `folder` and return its size in bytes. `words` are what its training spoke of, with what
    each stands for. Anything else in the folder stays as it is."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel

    parts = [copy.deepcopy(part).cpu().half() for part in (vae, text_encoder, unet)]
    pipeline = StableDiffusionPipeline(
        vae=parts[0],
        text_encoder=parts[1],
        tokenizer=tokenizer,
        unet=parts[2],
        scheduler=DDIMScheduler(**SCHEDULE, **SAMPLING),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    folder.mkdir(parents=True, exist_ok=True)
    pipeline.save_pretrained(folder, safe_serialization=True)
    if towers is not None:
        halved = copy.deepcopy(towers).cpu()
        halved.image.half()
        halved.save_image_side(folder / "image_encoder")
    if student is not None and student.exists():
        UNet2DConditionModel.from_pretrained(student, dtype=torch.float16).save_pretrained(folder / "student")
    for config in folder.glob("*/config.json"):
        tidy(config)
    if ip_adapter is not None and ip_adapter.exists():
        (folder / "ip_adapter").mkdir(exist_ok=True)
        shutil.copyfile(ip_adapter, folder / "ip_adapter" / IP_ADAPTER)
    (folder / "tokenizer" / WORDS_FILE).write_text(words_file(words), encoding="utf-8")
    (folder / "NOTICE").write_text(notice())
    check_weights(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > SIZE_LIMIT:
        raise TrainingError(
            f"The exported model is {size / 1e6:.1f} MB, more than the {SIZE_LIMIT / 1e6:.0f} MB allowed."
        )
    return size


def words_file(words: Mapping[str, str]) -> str:
    """What `model.spelling.lexicon_of` reads."""
    return "".join(f"{word}\n" if word == meant else f"{word}\t{meant}\n" for word, meant in words.items())


def tidy(config: Path) -> None:
    """Leave out where a part was loaded from, and have transformers load half-precision weights as float32, as
    diffusers does by default: a pipeline whose parts differ cannot run, and half precision is slow on a CPU."""
    settings = json.loads(config.read_text())
    settings.pop("_name_or_path", None)
    if "dtype" in settings:
        settings["dtype"] = "float32"
    config.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")


def notice() -> str:
    """Whose pictures and names the weights were trained on, as their licences ask."""
    lines = [
        "The weights in this folder were trained on the following works. None of their files are included.",
        "",
        *(f"{pack.package} {pack.version}: icons by {pack.author}, {pack.licence}" for pack in PACKAGES),
        *(f"DiceBear, {title}: people by {author}, {licence}" for _, title, author, licence in SETS),
        f"{NAMES_PACKAGE[0]} {NAMES_PACKAGE[1]}: names of emoji, MIT",
        "WordNet 3.1 (Princeton University): synonyms, WordNet licence",
        "First weights of this line, which later ones go on from: also flat-color-icons 1.2.3 by Icons8, MIT;",
        "streamline-ultimate-color and streamline-freehand-color 1.2.2 by Streamline, CC-BY-4.0;",
        "cldr-annotations-full 48.2.0, Unicode-3.0",
        "all-MiniLM-L6-v2: the token table of the text encoder is distilled from its word vectors, Apache-2.0",
        "",
        "CC-BY-4.0: https://creativecommons.org/licenses/by/4.0/",
        "Apache-2.0: https://www.apache.org/licenses/LICENSE-2.0",
        "The icons were rendered, recoloured, mirrored, resized and combined for training.",
    ]
    return "\n".join(lines) + "\n"
