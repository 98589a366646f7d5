"""The arrow of the house, held by reading every import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

OURS = ("contract", "exchange", "bot", "worker", "model", "sandbox")

MAY_IMPORT = {
    "contract": {"contract"},
    "exchange": {"exchange", "contract"},
    "bot": {"bot", "exchange", "contract"},
    "worker": {"worker", "model", "exchange", "contract"},
    "model": {"model"},
    "sandbox": {"sandbox"},
}

NEVER_IMPORTS = {
    "contract": {"torch", "discord", "redis", "rq", "PIL", "numpy", "diffusers", "transformers", "aiohttp"},
    "exchange": {"torch", "discord", "PIL", "numpy", "diffusers", "transformers"},
    "bot": {"torch", "PIL", "numpy", "diffusers", "transformers"},
    "worker": set(),
    "model": {"discord", "redis", "rq"},
    "sandbox": {"torch", "discord", "redis", "rq", "PIL", "numpy"},
}


def imports_of(path: Path) -> set[str]:
    """Top-level names of every module that a file imports, wherever in the file it does."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", OURS)
def test_every_import_follows_the_arrow(package: str) -> None:
    """A package imports only what stands below it."""
    files = sorted((ROOT / package).rglob("*.py"))
    assert files, f"no files in {package}"
    for path in files:
        names = imports_of(path)
        strangers = (names & set(OURS)) - MAY_IMPORT[package]
        assert not strangers, f"{path.relative_to(ROOT)} imports {sorted(strangers)}"
        banned = names & NEVER_IMPORTS[package]
        assert not banned, f"{path.relative_to(ROOT)} imports {sorted(banned)}"


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        ("contract.messages contract.codec contract.plan contract.lineage", "torch discord redis numpy PIL"),
        ("exchange.queue exchange.images exchange.progress", "torch discord numpy PIL"),
        ("bot.client bot.settings", "torch numpy PIL diffusers transformers"),
        ("worker.delivery", "torch diffusers transformers"),
    ],
)
def test_importing_brings_nothing_heavy(modules: str, heavy: str) -> None:
    """A fresh process that imports a light package has not loaded torch and its kind."""
    code = f"import sys, {', '.join(modules.split())}; print(*({set(heavy.split())!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
