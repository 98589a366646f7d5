"""The arrow of the house, held by reading every import."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

OURS = ("contract", "exchange", "service", "bot", "api", "console", "worker", "model", "sandbox")

MAY_IMPORT = {
    "contract": {"contract"},
    "exchange": {"exchange", "contract"},
    "service": {"service", "exchange", "contract"},
    "bot": {"bot", "service", "exchange", "contract"},
    "api": {"api", "service", "exchange", "contract"},
    "console": {"console", "bot", "api", "worker", "service", "exchange", "contract"},
    "worker": {"worker", "model", "exchange", "contract"},
    "model": {"model"},
    "sandbox": {"sandbox"},
}

NEVER_IMPORTS = {
    "contract": {"torch", "discord", "redis", "rq", "PIL", "numpy", "diffusers", "transformers", "aiohttp"},
    "exchange": {"torch", "discord", "PIL", "numpy", "diffusers", "transformers"},
    "service": {"torch", "discord", "PIL", "numpy", "diffusers", "transformers"},
    "bot": {"torch", "PIL", "numpy", "diffusers", "transformers"},
    "api": {"torch", "discord", "PIL", "numpy", "diffusers", "transformers"},
    "console": {"torch", "discord", "PIL", "numpy", "diffusers", "transformers"},
    "worker": set(),
    "model": {"discord", "redis", "rq"},
    "sandbox": {"torch", "discord", "redis", "rq", "PIL", "numpy"},
}


def modules() -> dict[str, Path]:
    """Every module of the repository by its dotted name; a package goes by its folder's name."""
    found = {}
    for package in (*OURS, "benchmarks", "tests"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports_of(path: Path) -> set[str]:
    """The modules that a file imports, wherever in the file it does, a `TYPE_CHECKING` block included.

    `from package import name` is an import of `package.name` where that is a module of ours, else of `package`.
    """
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            folder = path.relative_to(ROOT).parts[:-1]
            above = folder[: len(folder) - node.level + 1] if node.level else ()
            base = ".".join((*above, *([node.module] if node.module else [])))
            names = [f"{base}.{alias.name}" for alias in node.names]
            found |= {name if name in MODULES else base for name in names}
    return found


@pytest.mark.parametrize("package", OURS)
def test_every_import_follows_the_arrow(package: str) -> None:
    """A package imports only what stands below it."""
    files = sorted((ROOT / package).rglob("*.py"))
    assert files, f"no files in {package}"
    for path in files:
        names = {name.partition(".")[0] for name in imports_of(path)}
        strangers = (names & set(OURS)) - MAY_IMPORT[package]
        assert not strangers, f"{path.relative_to(ROOT)} imports {sorted(strangers)}"
        banned = names & NEVER_IMPORTS[package]
        assert not banned, f"{path.relative_to(ROOT)} imports {sorted(banned)}"


def test_no_module_imports_itself_by_a_detour() -> None:
    """Modules can be read from the bottom up: there is no circle, neither of packages nor of files in one package."""
    graph = {name: (imports_of(path) & MODULES.keys()) - {name} for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("import circle: " + " <- ".join(error.args[1]))


def test_kinds_of_jobs_are_told_apart_in_their_own_files_only() -> None:
    """Outside of `kinds/` a request answers for itself, so that a new kind is a file and a row."""
    kinds = {path.stem.capitalize() for path in (ROOT / "contract" / "kinds").glob("*.py")}
    found = []
    for path in sorted(path for package in OURS for path in (ROOT / package).rglob("*.py")):
        if path.parent.name == "kinds":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="isinstance"), args=[_, kind]):
                    asked = {name.id for name in ast.walk(kind) if isinstance(name, ast.Name)}
                case ast.MatchClass(cls=ast.Name(id=name)):
                    asked = {name}
                case ast.Compare(left=ast.Attribute(attr="kind", value=ast.Attribute(attr="request"))):
                    asked = kinds
                case _:
                    continue
            if asked & kinds:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        ("contract.messages contract.codec contract.planning contract.lineage", "torch discord redis numpy PIL"),
        ("exchange.queue exchange.images exchange.progress", "torch discord numpy PIL"),
        ("service.accepting service.follow_ups service.wishes", "torch discord numpy PIL diffusers transformers"),
        ("bot.client bot.settings", "torch numpy PIL diffusers transformers"),
        ("worker.delivery.ending worker.delivery.discord", "torch diffusers transformers"),
    ],
)
def test_importing_brings_nothing_heavy(modules: str, heavy: str) -> None:
    """A fresh process that imports a light package has not loaded torch and its kind."""
    code = f"import sys, {', '.join(modules.split())}; print(*({set(heavy.split())!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
