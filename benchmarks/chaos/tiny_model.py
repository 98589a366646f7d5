"""A tiny random model as a folder, so that real worker processes can load it and nobody waits for pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CATALOGUE = """
[[models]]
name = "tiny"
title = "Tiny"
family = "stable-diffusion"
licence = "none needed: random numbers"
source = "{folder}"
versions = ["*"]
pixels = 1024
size_multiple = 16
num_inference_steps = 5
guidance_scale = 4.0
sampler = "ddim"
honours = ["aspect", "quality", "redraw", "image_weight"]
"""


def write_tiny_model(folder: Path) -> None:
    """Save a tiny Stable Diffusion in the layout of diffusers, and beside it a catalogue that offers only it."""
    from model.families.stable_diffusion import StableDiffusion

    tiny = StableDiffusion.tiny(channels=(16, 32))
    parts = {
        name: ("transformers" if name in StableDiffusion.text_parts else "diffusers", part)
        for name, part in tiny.modules.items()
    }
    for name, (_, part) in parts.items():
        part.save_pretrained(folder / name)
    (folder / "scheduler").mkdir()
    scheduler = {"_class_name": "DDIMScheduler", **tiny.scheduler}
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler))
    index: dict[str, Any] = {name: [library, type(part).__name__] for name, (library, part) in parts.items()}
    index |= {"_class_name": "StableDiffusionPipeline", "scheduler": ["diffusers", "DDIMScheduler"]}
    folder.with_suffix(".toml").write_text(CATALOGUE.format(folder=folder))
    (folder / "model_index.json").write_text(json.dumps(index))
