"""The pictures of a posted message, cut out of its file."""

from __future__ import annotations

from typing import cast

from contract.kinds.attached import Attached
from worker.kinds.bench import Bench
from worker.results import Pictures


def make(bench: Bench) -> Pictures:
    """Those that are wanted, in reading order, as `worker.encoding.assemble_grid` puts them together."""
    request = cast(Attached, bench.job.request)
    sheet = bench.pictures[request.link]
    columns, rows = min(2, request.pictures), (request.pictures + 1) // 2
    height, width = sheet.shape[0] // rows, sheet.shape[1] // columns
    places = (divmod(index, columns) for index in bench.indices)
    return Pictures(
        [sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] for row, column in places]
    )
