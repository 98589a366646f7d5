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
    from model.components import Bundle, load
    from model.engine import Engine
    from model.errors import Cancelled, DeadlineExceeded, ModelError
    from model.request import NoiseSource, Request
    from model.sizes import fit_size
    from model.text_to_image import image_to_image, text_to_image
    from model.ticket import Step, Ticket
    from model.variation import VARIATION_STRONG, VARIATION_SUBTLE, vary
    from model.walk import Shortcuts

_HOME = {
    "Bundle": "components",
    "Cancelled": "errors",
    "DeadlineExceeded": "errors",
    "Engine": "engine",
    "ModelError": "errors",
    "NoiseSource": "request",
    "Request": "request",
    "Shortcuts": "walk",
    "Step": "ticket",
    "Ticket": "ticket",
    "VARIATION_STRONG": "variation",
    "VARIATION_SUBTLE": "variation",
    "fit_size": "sizes",
    "image_to_image": "text_to_image",
    "load": "components",
    "text_to_image": "text_to_image",
    "vary": "variation",
}

__all__ = [
    "VARIATION_STRONG",
    "VARIATION_SUBTLE",
    "Bundle",
    "Cancelled",
    "DeadlineExceeded",
    "Engine",
    "ModelError",
    "NoiseSource",
    "Request",
    "Shortcuts",
    "Step",
    "Ticket",
    "fit_size",
    "image_to_image",
    "load",
    "text_to_image",
    "vary",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'model' has no attribute {name!r}")
    with collector_resting():
        value = getattr(importlib.import_module(f"model.{_HOME[name]}"), name)
    globals()[name] = value
    return value
