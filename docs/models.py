"""Writes docs/models.md: what each family of models can do, from the table of families and the tests' own results.

python docs/models.py            runs tests/model/families (some minutes)
"""

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
COLUMNS: Mapping[str, str] = {
    "loads": "test_a_folder_gives_the_model_that_was_saved",
    "equals stock": "test_text_to_image",
    "batched equals alone": "test_company_changes_nothing",
    "image to image": "test_image_to_image",
    "inpainting": "test_inpainting",
    "references": "test_references",
    "LoRA": "test_two_loras_with_weights",
    "ControlNet": "test_controlnets",
    "IP-Adapter": "test_an_ip_adapter",
    "single file": "test_a_checkpoint_draws_what_its_folder_draws",
}
"""What a column says, and the test that has to pass for a family."""

INTRODUCTION = """# Models

<!-- Written by `python docs/models.py` from the families and from the results of tests/model/families. -->

What can be drawn with, and what is proven of it. Each family is drawn on tiny random weights of diffusers' own classes
and compared with diffusers' own pipeline of that name, same seeds, sampler and steps: **yes** means that no pixel
differs by more than one level of 255. "Batched equals alone" holds among strangers with other prompts, steps and
guidance, and for a request that joins half way. A dash: there is no such thing, or no pipeline to compare with.

"""
LEGEND = """
`easel-worker check MODEL` says whether a model of yours loads and draws here, and what memory it takes.
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


def verdict(found: Mapping[tuple[str, str], str], test: str, family: str) -> str:
    """Of all runs of a test for a family: no if any failed."""
    own = {
        value for (name, given), value in found.items() if name == test and given.removesuffix(_scale(given)) == family
    }
    return next((word for word in ("no", "yes", "–") if word in own), "–")


def _scale(given: str) -> str:
    """A guidance scale at the end of a test's parameters."""
    last = given.rpartition("-")[2]
    return f"-{last}" if last.replace(".", "").isdigit() and "." in last else ""


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


def main() -> None:
    """Run the tests and write the page; exit status 1 when a test failed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", "tests/model/families"]
        command += ["--ignore=tests/model/families/test_page.py"]  # it compares the page that is written here
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        PAGE.write_text(page(results(report)), encoding="utf-8")
    sys.exit(1 if status else 0)


if __name__ == "__main__":
    main()
