"""What models can be and do, by name: the words that a catalogue may use. A test holds them to what `model/` has."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

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
        "flux2-klein": _FLOW,
        "qwen-image": _FLOW,
        "qwen-image-edit": _FLOW,
        "sana": _FLOW,
        "stable-diffusion": _DIFFUSION | _EDM,
        "stable-diffusion-3": _FLOW,
        "stable-diffusion-xl": _DIFFUSION | _EDM,
        "unconditional": _DIFFUSION,
        "z-image": _FLOW,
    }
)
"""The families that can be drawn with, and the samplers of each."""

HONOURABLE = frozenset(
    {"aspect", "chaos", "stylize", "weird", "quality", "stop", "tile", "style", "raw", "draft", "image_weight"}
    | {"inpaint", "redraw"}
)
"""What a model may honour: fields of `Parameters` that change its pictures, and needs of kinds (`Request.needs`).

`inpaint` is to paint a part of a picture and keep the rest, `redraw` to start from a picture instead of noise alone.
"""
