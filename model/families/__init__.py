"""What differs between kinds of denoisers, one file a family; all the rest of `model/` is the same for all."""

from collections.abc import Mapping
from typing import Any

from model.errors import ModelError
from model.families.flux import Flux
from model.families.flux2_klein import Flux2Klein
from model.families.flux2_klein_kv import Flux2KleinKV
from model.families.flux_fill import FluxFill
from model.families.flux_kontext import FluxKontext
from model.families.ltx_video import LTXVideo
from model.families.qwen_image import QwenImage
from model.families.qwen_image_edit import QwenImageEdit
from model.families.sana import Sana
from model.families.sana_sprint import SanaSprint
from model.families.stable_diffusion import StableDiffusion
from model.families.stable_diffusion_3 import StableDiffusion3
from model.families.stable_diffusion_xl import StableDiffusionXL
from model.families.unconditional import Unconditional
from model.families.z_image import ZImage
from model.family import Condition, Conditions, Family, Guidance, Parts, Reusing, Rows, TextEncoder, Uses

FAMILIES: Mapping[str, type[Family]] = {
    family.name: family
    for family in (
        StableDiffusion,
        StableDiffusionXL,
        Flux2Klein,
        Flux2KleinKV,
        ZImage,
        QwenImage,
        QwenImageEdit,
        StableDiffusion3,
        Flux,
        FluxKontext,
        FluxFill,
        Sana,
        SanaSprint,
        LTXVideo,
        Unconditional,
    )
}
"""Every family by the name that a catalogue gives it."""

__all__ = [
    "FAMILIES",
    "Condition",
    "Conditions",
    "Family",
    "Guidance",
    "Parts",
    "Reusing",
    "Rows",
    "TextEncoder",
    "Uses",
    "family_for",
]


def family_for(denoiser_class: str, config: Mapping[str, Any], index: Mapping[str, Any]) -> type[Family]:
    """The family of a denoiser by its diffusers class, its config and the model's index. ModelError if unknown."""
    for family in FAMILIES.values():
        if family.denoiser_class == denoiser_class and family.serves(config, index):
            return family
    if denoiser_class in {family.denoiser_class for family in FAMILIES.values()}:
        raise ModelError(f"This {denoiser_class} is of a kind that Easel cannot drive: its config names other inputs.")
    known = ", ".join(sorted({family.denoiser_class for family in FAMILIES.values()}))
    raise ModelError(f"Easel cannot drive a {denoiser_class}; it knows {known}.")
