"""How each kind of job is made: one file each, of the same name as in `contract.kinds`, and the table of them.

A maker gets a `Bench` and says what comes out: its inputs become one or more requests to the model, and their pictures
the result. Whatever is the same for all kinds (the model's turn, progress, the store) is the studio's
(`worker.pictures`).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from worker.kinds import (
    animate,
    attached,
    describe,
    enlarge,
    imagine,
    inpaint,
    pan,
    pick,
    region,
    sheet,
    shorten,
    square,
    styles,
    tree,
    upscale,
    variation,
    video,
    zoom,
)
from worker.kinds.bench import Bench
from worker.results import Result

MAKERS: Mapping[str, Callable[[Bench], Result]] = MappingProxyType(
    {
        "imagine": imagine.make,
        "variation": variation.make,
        "upscale": upscale.make,
        "enlarge": enlarge.make,
        "region": region.make,
        "inpaint": inpaint.make,
        "zoom": zoom.make,
        "square": square.make,
        "pan": pan.make,
        "animate": animate.make,
        "video": video.make,
        "sheet": sheet.make,
        "styles": styles.make,
        "pick": pick.make,
        "describe": describe.make,
        "shorten": shorten.make,
        "tree": tree.make,
        "attached": attached.make,
    }
)

__all__ = ["MAKERS", "Bench"]
