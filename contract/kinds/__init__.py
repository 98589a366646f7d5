"""The kinds of jobs: one file each, and the table of them.

A kind is a frozen dataclass that answers what `contract.jobs.Request` asks. How a worker makes it stands in the file
of the same name in `worker.kinds`, the buttons that lead to it in `contract.actions`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from contract.jobs import Request
from contract.kinds.enlarge import Enlarge
from contract.kinds.imagine import Imagine
from contract.kinds.pan import Pan
from contract.kinds.region import Region
from contract.kinds.square import Square
from contract.kinds.upscale import Upscale
from contract.kinds.variation import Variation
from contract.kinds.zoom import Zoom

KINDS: Mapping[str, type[Request]] = MappingProxyType(
    {
        "imagine": Imagine,
        "variation": Variation,
        "upscale": Upscale,
        "enlarge": Enlarge,
        "region": Region,
        "zoom": Zoom,
        "square": Square,
        "pan": Pan,
    }
)
