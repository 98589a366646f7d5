"""docs/models.md is what docs/models.py writes of the families that there are."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[3] / "docs"


def writer() -> Any:
    spec = importlib.util.spec_from_file_location("docs_models", DOCS / "models.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["docs_models"] = module
    spec.loader.exec_module(module)
    return module


def test_the_page_has_every_family_and_sampler() -> None:
    """Written anew after a family or a sampler is added: `python docs/models.py`."""
    page, written = writer().page({}), (DOCS / "models.md").read_text()

    def without_verdicts(text: str) -> str:
        return text.replace("| yes", "| –").replace("| no", "| –")

    assert without_verdicts(written) == without_verdicts(page)
    assert "| no" not in written


def test_a_failure_is_not_a_yes(tmp_path: Path) -> None:
    """One failed run of a test outweighs the others."""
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite><testcase name="test_text_to_image[flux-1.0]"/>'
        '<testcase name="test_text_to_image[flux-3.5]"><failure/></testcase>'
        '<testcase name="test_references[flux2-klein]"/><testcase name="test_inpainting[flux]"><skipped/></testcase>'
        "</testsuite></testsuites>"
    )
    module = writer()
    found = module.results(report)
    assert module.verdict(found, "test_text_to_image", "flux") == "no"
    assert module.verdict(found, "test_references", "flux2-klein") == "yes"
    assert module.verdict(found, "test_inpainting", "flux") == "–"
