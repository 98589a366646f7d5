"""Pictures from numbers: text and seeds -> latents -> pixels.

`model` imports nothing of Easel's and has never heard of jobs, queues or Discord. Importing it is cheap: torch and
diffusers are loaded when a name that needs them is first used.

    bundle = model.load("model/default")
    engine = model.Engine(bundle)
    engine.start()
    ticket = engine.submit(model.text_to_image("a red apple", seed=7, size=bundle.native_size))
    images = ticket.result()                     # four (H, W, 3) uint8 arrays
    engine.close()
"""

import importlib
from typing import TYPE_CHECKING, Any

from model.imports import collector_resting

if TYPE_CHECKING:
    from model.components import Bundle
    from model.engine import Engine
    from model.errors import Cancelled, ModelError
    from model.loading import Source, load
    from model.request import (
        Area,
        Control,
        ControlNetUse,
        FirstFrame,
        IPAdapterUse,
        Keep,
        LoraUse,
        NoiseSource,
        Prompt,
        Reference,
        Request,
        Sampling,
        Size,
        Start,
        text_to_image,
    )
    from model.sizes import fit_size
    from model.state import Shortcuts
    from model.ticket import Step, Ticket
    from model.variation import VARIATION_STRONG, VARIATION_SUBTLE

_HOME = {
    "Area": "request",
    "Bundle": "components",
    "Cancelled": "errors",
    "Control": "request",
    "ControlNetUse": "request",
    "Engine": "engine",
    "FirstFrame": "request",
    "IPAdapterUse": "request",
    "Keep": "request",
    "LoraUse": "request",
    "ModelError": "errors",
    "NoiseSource": "request",
    "Prompt": "request",
    "Reference": "request",
    "Request": "request",
    "Sampling": "request",
    "Shortcuts": "state",
    "Size": "request",
    "Start": "request",
    "Source": "loading",
    "Step": "ticket",
    "Ticket": "ticket",
    "VARIATION_STRONG": "variation",
    "VARIATION_SUBTLE": "variation",
    "fit_size": "sizes",
    "load": "loading",
    "text_to_image": "request",
}

__all__ = [
    "VARIATION_STRONG",
    "VARIATION_SUBTLE",
    "Area",
    "Bundle",
    "Cancelled",
    "Control",
    "ControlNetUse",
    "Engine",
    "FirstFrame",
    "IPAdapterUse",
    "Keep",
    "LoraUse",
    "ModelError",
    "NoiseSource",
    "Prompt",
    "Reference",
    "Request",
    "Sampling",
    "Shortcuts",
    "Size",
    "Source",
    "Start",
    "Step",
    "Ticket",
    "fit_size",
    "load",
    "text_to_image",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'model' has no attribute {name!r}")
    with collector_resting():
        value = getattr(importlib.import_module(f"model.{_HOME[name]}"), name)
    globals()[name] = value
    return value
