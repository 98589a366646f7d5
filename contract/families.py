"""What models can be and do, by name: the words that a catalogue may use. A test holds them to what `model/` has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

_DPMPP = {
    "dpmpp_2m",
    "dpmpp_2m_karras",
    "dpmpp_2m_sde",
    "dpmpp_2m_sde_karras",
    "dpmpp_2s",
    "dpmpp_2s_karras",
    "dpmpp_3m_sde",
    "dpmpp_3m_sde_karras",
}
_DIFFUSION = frozenset(
    {"ddim", "ddpm", "deis", "euler", "euler_a", "euler_karras", "heun", "lcm", "pndm", "tcd", "unipc"} | _DPMPP
)
_EDM = frozenset({"edm_dpmpp_2m", "edm_euler"})
_FLOW = frozenset({"flow_dpmpp_2m", "flow_euler", "flow_heun", "flow_unipc"})

FAMILIES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "flux": _FLOW,
        "flux-fill": _FLOW,
        "flux-kontext": _FLOW,
        "flux2-klein": _FLOW,
        "flux2-klein-kv": _FLOW,
        "ltx-video": _FLOW,
        "qwen-image": _FLOW,
        "qwen-image-edit": _FLOW,
        "sana": _FLOW,
        "sana-sprint": frozenset({"scm"}),
        "stable-diffusion": _DIFFUSION | _EDM,
        "stable-diffusion-3": _FLOW,
        "stable-diffusion-xl": _DIFFUSION | _EDM,
        "unconditional": _DIFFUSION,
        "z-image": _FLOW,
    }
)
"""The families that can be drawn with, and the samplers of each."""

REFERENCES: Mapping[str, int] = MappingProxyType(
    {"flux-kontext": 1, "flux2-klein": 4, "flux2-klein-kv": 4, "qwen-image-edit": 3}
)
"""Families that look at pictures while they draw, and change them as the words say; how many pictures each takes."""

EDIT_ONLY = frozenset({"qwen-image-edit"})
"""Those that draw nothing without a picture."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a family draws videos: the frames of a second, and how many of them are drawn as one position in time, which
    takes as much as a picture. The first frame is one by itself."""

    frames_per_second: Annotated[int, Field(ge=1, le=240)]
    frames_per_latent: Annotated[int, Field(ge=1, le=64)]


VIDEO: Mapping[str, Pace] = MappingProxyType({"ltx-video": Pace(25, 8)})
"""Families that draw videos."""

_NO_TORUS = frozenset({"tile"})
_UNABLE: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "flux": _NO_TORUS,
        "flux-fill": _NO_TORUS,
        "flux-kontext": _NO_TORUS,
        "flux2-klein": _NO_TORUS,
        "flux2-klein-kv": _NO_TORUS,
        "ltx-video": _NO_TORUS,
        "qwen-image": _NO_TORUS,
        "qwen-image-edit": _NO_TORUS | {"inpaint", "redraw"},
        "sana-sprint": frozenset({"inpaint", "redraw", "image_weight"}),
        "stable-diffusion-3": _NO_TORUS,
        "unconditional": frozenset({"chaos", "stylize", "weird", "style", "raw", "experimental"}),
        "z-image": _NO_TORUS,
    }
)
UNABLE: Mapping[str, frozenset[str]] = MappingProxyType(
    {name: _UNABLE.get(name, frozenset()) | (frozenset() if name in VIDEO else {"moving"}) for name in FAMILIES}
)
"""What a family cannot do, of `HONOURABLE`: without convolutions no picture becomes a torus, what draws nothing without
a reference, or draws from noise alone, starts from no other picture, what reads no words cannot be led by them, and few
draw videos."""

SAMPLERS = tuple(sorted(frozenset().union(*FAMILIES.values())))
"""The samplers of all families."""

HONOURABLE = frozenset(
    {"aspect", "chaos", "stylize", "weird", "quality", "stop", "tile", "style", "raw", "draft", "image_weight"}
    | {"experimental", "hd", "inpaint", "redraw", "describe", "moving"}
)
"""What a model may honour: fields of `Parameters` that change its pictures, and needs of kinds (`Request.needs`).

`hd` is to draw pictures of twice the side at once, which few models can, `inpaint` to paint a part of a picture and
keep the rest, `redraw` to start from a picture instead of noise alone, `describe` to say in words what a picture shows,
`moving` to draw a video that begins with a picture.
"""

LENT = frozenset({"moving"})
"""What a model does for pictures of every other model, too: of those it needs nothing but the pixels."""
