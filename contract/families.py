"""What models can be and do, by name: the words that a catalogue may use. A test holds them to what `model/` has."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_DIFFUSION = frozenset({"ddim", "ddpm", "dpmpp_2m", "euler", "euler_a", "lcm", "unipc"})
_FLOW = frozenset({"flow_euler"})

FAMILIES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "stable-diffusion": _DIFFUSION,
        "stable-diffusion-xl": _DIFFUSION,
        "unconditional": _DIFFUSION,
        "z-image": _FLOW,
    }
)
"""The families that can be drawn with, and the samplers of each."""

HONOURABLE = frozenset(
    {"aspect", "chaos", "stylize", "weird", "quality", "stop", "tile", "style", "raw", "draft", "image_weight"}
)
"""What a model may honour: fields of `Parameters` that change its pictures, and needs of kinds (`Request.needs`)."""
