"""The pages that people read say what the code does."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from bot.features import FEATURES

ROOT = Path(__file__).resolve().parent.parent
GENERATED = runpy.run_path(str(ROOT / "docs" / "generate.py"))["PAGES"]
FOLDERS = (
    "contract",
    "exchange",
    "service",
    "bot",
    "api",
    "console",
    "worker",
    "model",
    "sandbox",
    "tests",
    "benchmarks",
    "docs",
)
IGNORED = {".venv", "runs", "data", "node_modules", ".cache", "build"}  # what git ignores and may hold pages
PAGES = sorted(path for path in ROOT.rglob("*.md") if not IGNORED.intersection(path.relative_to(ROOT).parts))


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.name)
def test_a_generated_page_is_what_the_code_says(path: Path) -> None:
    """`make docs` writes them; a new setting or option shows up without being remembered."""
    assert path.read_text(encoding="utf-8") == GENERATED[path](), "run `make docs`"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_between_pages_leads_somewhere(path: Path) -> None:
    """No page names a file or a picture that is not there."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text)]
    assert [
        target for target in targets if target and "://" not in target and not (path.parent / target).exists()
    ] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_names_only_files_that_exist(path: Path) -> None:
    """A file that moves takes its mentions with it."""
    named = set(re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`", path.read_text(encoding="utf-8")))
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_the_page_for_people_names_every_command() -> None:
    """What can be typed is explained."""
    page = (ROOT / "docs" / "using.md").read_text(encoding="utf-8")
    typed = [command.name for feature in FEATURES for command in feature.commands if command.name.islower()]
    assert len(typed) > 15
    assert [name for name in typed if f"`/{name}" not in page] == []


def test_the_site_builds(tmp_path: Path) -> None:
    """Every page stands in it, every link and anchor leads somewhere, and nothing is fetched from elsewhere."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert pages <= {path.stem for path in tmp_path.glob("*.html")}
    assert "fonts.googleapis.com" not in (tmp_path / "index.html").read_text(encoding="utf-8")
