"""A sheet of pictures that shows what each button does, with the model that ships.

python -m benchmarks.operations [--out build/operations.webp] [--prompt "a red apple"] [--seed 3]
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from benchmarks.effects import cell
from contract.actions import Action, ButtonId, custom_id
from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL
from contract.derive import next_job
from contract.ids import job_id
from contract.jobs import Chosen, DiscordChannel, Job, Press, User
from contract.kinds.imagine import Imagine
from contract.messages import result_buttons
from contract.planning import plan
from contract.prompt import Context, parse
from worker.alone import make_alone
from worker.encoding import assemble_grid
from worker.engines import Warm
from worker.joining import Picture
from worker.loading import Loader
from worker.results import Pictures, Words

SOMEBODY, NOWHERE = User(0, "sheet"), DiscordChannel(0)
COLUMNS = 4
MIDDLE = sum(1 << row * 5 + column for row in (1, 2, 3) for column in (1, 2, 3))
WORDS: Mapping[Action, str] = {
    Action.CUSTOM_ZOOM: "{prompt} --ar 2:1 --zoom 1.3",
    Action.VARY_REGION: "a yellow star",
}
"""What is typed into the forms that always open."""


def main() -> None:
    """Draw the sheet and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/operations.webp"))
    parser.add_argument("--prompt", default="a red apple")
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    warm = Loader(DEFAULT_CATALOGUE, "cpu").load(EASEL_SMALL.name)
    grid = first(f"{options.prompt} --ar 3:2", options.seed)
    single = pressed(grid, Action.UPSCALE, 1)
    cells = [cell(drawn(job, warm), label) for label, job in (("/imagine", grid), ("U1", single))]
    for action in (action for action in Action if offered(single, action)):
        words = WORDS.get(action, "").format(prompt=options.prompt)
        cells.append(cell(drawn(pressed(single, action, 2 + len(cells), words), warm), action.name))
        print(action.name, flush=True)
    warm.engine.close()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    sheet(cells).save(options.out, quality=85)
    print(options.out)


def first(text: str, seed: int) -> Job:
    """The job of a typed prompt."""
    id = job_id(seed, EASEL_SMALL.fingerprint, 0)
    return Job(id, Imagine(), parse(text).prompts[0], EASEL_SMALL.name, SOMEBODY, NOWHERE, created_ms=0)


def pressed(job: Job, action: Action, press: int, words: str = "", cells: int = MIDDLE) -> Job:
    """What a press on a button about the first picture makes of a job; `press` tells it from other presses."""
    asked = Press(press, EASEL_SMALL.fingerprint, SOMEBODY, NOWHERE, created_ms=0, region=Chosen(cells))
    prompt = parse(words, Context(command="custom_zoom")).prompts[0] if words else None
    return next_job(job, ButtonId(action, 0 if action.about_one_picture else None, job.id), asked, prompt)


def offered(job: Job, action: Action) -> bool:
    """Whether the button stands under the result of a job, and makes something of it."""
    row = action.value
    if row.makes is None or row.under is None or job.request.under not in row.under:
        return False
    shown = {button.custom_id for row in result_buttons(job, EASEL_SMALL.honours) for button in row}
    return custom_id(action, 0 if action.about_one_picture else None, job.id) in shown


def drawn(job: Job, warm: Warm) -> Picture:
    """The job's pictures as its message shows them."""
    made = plan(job, EASEL_SMALL)
    result = make_alone(replace(job, plan=made), made, EASEL_SMALL, warm)
    assert not isinstance(result, Words)
    return assemble_grid(result.images if isinstance(result, Pictures) else _stations(result.data))


def _stations(data: bytes) -> list[Picture]:
    """Four frames of an animation, evenly apart."""
    with Image.open(io.BytesIO(data)) as image:
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
    return frames[:: len(frames) // 4][:4]


def sheet(cells: Sequence[Image.Image]) -> Image.Image:
    """All cells in rows of `COLUMNS`."""
    width, height = cells[0].size
    made = Image.new("RGB", (width * COLUMNS, height * -(-len(cells) // COLUMNS)), "white")
    for number, one in enumerate(cells):
        made.paste(one, (number % COLUMNS * width, number // COLUMNS * height))
    return made


if __name__ == "__main__":
    main()
