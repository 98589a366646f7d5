"""Writes docs/models.md: what each family of models can do, from the table of families and the tests' own results.

python docs/models.py                       runs their tests (some minutes)
python docs/models.py --report REPORT.xml   takes the results of a run of all tests: pytest --junitxml=REPORT.xml
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from model.families import FAMILIES, Family  # noqa: E402

PAGE = ROOT / "docs" / "models.md"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "loads": ("test_a_folder_gives_the_model_that_was_saved",),
    "equals stock": ("test_text_to_image",),
    "batched equals alone": ("test_company_changes_nothing",),
    "image to image": ("test_image_to_image",),
    "inpainting": ("test_inpainting",),
    "references": ("test_references",),
    "video": ("test_videos", "test_company_changes_no_video"),
    "LoRA": ("test_two_loras_with_weights",),
    "ControlNet": ("test_controlnets",),
    "IP-Adapter": ("test_an_ip_adapter",),
    "single file": ("test_a_checkpoint_draws_what_its_folder_draws", "test_a_flux_in_one_file"),
    "streamed": ("test_streamed_parts_draw_the_same",),
    "int8, fp8": ("test_nearly_the_same_pixels_in_less_memory",),
    "GGUF": ("test_denoisers_of_gguf_files", "test_text_encoders_of_gguf_files"),
}
"""What a column says, and the tests that have to pass for a family."""
TESTS = ("tests/model/families", "tests/model/test_placement.py", "tests/model/test_quantised.py")

INTRODUCTION = """# Models

<!-- Written by `python docs/models.py` from the families and from the results of their tests. -->

What can be drawn with, and what is proven of it. Each family is drawn on tiny random weights of diffusers' own classes
and compared with diffusers' own pipeline of that name, same seeds, sampler and steps: **yes** means that no pixel
differs by more than one level of 255. "Batched equals alone" holds among strangers with other prompts, steps and
guidance, and for a request that joins half way. "Streamed": text encoders and denoiser come to the device layer by
layer, for a card that has no room for them (`MEMORY_GIB`): the same pixels. "int8, fp8" and "GGUF" (the
denoiser, or a text encoder that is a language model): weights of eight bits where rows are long enough, at least 35 dB
from the pixels of the whole ones. "Video": from words, and on from a picture, its first frame. A dash: there is no
such thing, or no pipeline to compare with.

"""
LEGEND = """
Where a model honours `moving`, Animate makes a video of it that begins with the picture, whichever model drew that;
elsewhere it is a walk of the picture's own model. A worker has to draw with it too (`MODEL=sdxl,ltx`, or one for each).

`easel check MODEL` says whether a model of yours loads and draws here, and what memory it takes.
No row was run on a card with real weights.
"""


def results(report: Path) -> dict[tuple[str, str], str]:
    """yes, no or a dash, by test and parameters."""
    verdicts = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        test, _, parameters = case.get("name", "").partition("[")
        kinds = {child.tag for child in case}
        verdict = "no" if kinds & {"failure", "error"} else "–" if "skipped" in kinds else "yes"
        verdicts[test, parameters.rstrip("]")] = verdict
    return verdicts


def verdict(found: Mapping[tuple[str, str], str], tests: tuple[str, ...], family: str) -> str:
    """Of all runs of these tests for a family: no if any failed."""
    own = {value for (name, given), value in found.items() if name in tests and _family_of(given) == family}
    return next((word for word in ("no", "yes", "–") if word in own), "–")


def _family_of(given: str) -> str:
    """The family that a test's parameters begin with; the names of families hold dashes themselves."""
    return max((name for name in FAMILIES if given == name or given.startswith(f"{name}-")), key=len, default="")


def row(name: str, family: type[Family], found: Mapping[tuple[str, str], str]) -> str:
    cells = [f"`{name}`", f"{family.denoiser_class}", *(verdict(found, test, name) for test in COLUMNS.values())]
    sizes = "mixed" if family.mixes_shapes else "one"
    return f"| {' | '.join([*cells, sizes])} |"


def page(found: Mapping[tuple[str, str], str]) -> str:
    """The whole page."""
    titles = ["family", "denoiser", *COLUMNS, "sizes in a forward"]
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    lines += [row(name, family, found) for name, family in FAMILIES.items() if name != "unconditional"]
    samplers = {name: ", ".join(sorted(family.samplers())) for name, family in FAMILIES.items()}
    groups: dict[str, list[str]] = {}
    for name, names in samplers.items():
        groups.setdefault(names, []).append(f"`{name}`")
    text = "\n## Samplers\n\nEach draws what diffusers' scheduler of that name draws.\n\n"
    text += "".join(f"- {', '.join(families)}: {names}\n" for names, families in groups.items())
    return INTRODUCTION + "\n".join(lines) + "\n" + LEGEND + text


def run(report: Path) -> int:
    """Run the families' tests, with their results in `report`; pytest's exit status."""
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *TESTS]
    command += ["--ignore=tests/model/families/test_page.py"]  # it compares the page that is written here
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def main() -> None:
    """Write the page; exit status 1 when a test failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", type=Path, help="results of pytest (junit) to take, instead of running the tests")
    given = parser.parse_args().report
    with tempfile.TemporaryDirectory() as folder:
        report = given or Path(folder) / "report.xml"
        status = 0 if given else run(report)
        found = results(report)
    PAGE.write_text(page(found), encoding="utf-8")
    failed = any(verdict(found, tests, name) == "no" for tests in COLUMNS.values() for name in FAMILIES)
    sys.exit(1 if status or failed else 0)


if __name__ == "__main__":
    main()
