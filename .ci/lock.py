"""Prints the constraints file: every package that Easel's own requirements bring, in the version installed here.

`make lock` upgrades .venv to the newest versions that pyproject.toml allows and then writes this to constraints.txt,
so that what is locked is what the tests run on. torch is left out with all that it brings: its builds (CPU, CUDA, ROCm)
differ in their companions, and the Makefile's TORCH chooses one.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def brought_by(requirement: str) -> dict[str, str]:
    """Names and versions of the installed packages that `requirement` needs (extras included), itself among them."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(requirement)]
    while waiting:
        wish = waiting.pop()
        name, extras = canonicalize_name(wish.name), frozenset(wish.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            package = distribution(name)
        except PackageNotFoundError as error:
            raise SystemExit(f"{name} is not installed: run `make install` first") from error
        found[name] = package.version
        for line in package.requires or ():
            need = Requirement(line)
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras | {""}):
                waiting.append(need)
    return found


def main() -> None:
    """Writes one `name==version` a line, in order of names."""
    print("# Written by `make lock`. Every install uses it; torch and what torch brings are the Makefile's TORCH.")
    locked = brought_by("easel[test]")
    for name in sorted(locked.keys() - brought_by("torch").keys() - {"easel"}):
        print(f"{name}=={locked[name]}")


if __name__ == "__main__":
    main()
