"""The kinds of jobs: one file each, and the table of them.

A kind is a frozen dataclass that answers what `contract.jobs.Request` asks. How a worker makes it stands in the file
of the same name in `worker.kinds`, the buttons that lead to it in `contract.actions`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from contract.jobs import Request
from contract.kinds.animate import Animate
from contract.kinds.attached import Attached
from contract.kinds.describe import Describe
from contract.kinds.enlarge import Enlarge
from contract.kinds.imagine import Imagine
from contract.kinds.inpaint import Inpaint
from contract.kinds.pan import Pan
from contract.kinds.pick import Pick
from contract.kinds.region import Region
from contract.kinds.sheet import Drafts
from contract.kinds.shorten import Shorten
from contract.kinds.square import Square
from contract.kinds.styles import Styles
from contract.kinds.tree import Tree
from contract.kinds.upscale import Upscale
from contract.kinds.variation import Variation
from contract.kinds.video import Video
from contract.kinds.zoom import Zoom

KINDS: Mapping[str, type[Request]] = MappingProxyType(
    {
        "imagine": Imagine,
        "variation": Variation,
        "upscale": Upscale,
        "enlarge": Enlarge,
        "region": Region,
        "inpaint": Inpaint,
        "zoom": Zoom,
        "square": Square,
        "pan": Pan,
        "animate": Animate,
        "video": Video,
        "sheet": Drafts,
        "styles": Styles,
        "pick": Pick,
        "describe": Describe,
        "shorten": Shorten,
        "tree": Tree,
        "attached": Attached,
    }
)
