"""What the command lines of chaos share: a folder for one house, one JSON line at the end, and what it says."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from benchmarks.chaos.nursery import Nursery, open_nursery

Report = dict[str, Any]


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options of a command line, with those that all have."""
    parser.add_argument("--json", action="store_true", help="only JSON lines")
    parser.add_argument("--keep", type=Path, help="keep logs and data in this folder (a short path)")
    return parser.parse_args()


def conclude(
    options: argparse.Namespace,
    run: Callable[[Path, Nursery], Coroutine[Any, Any, Report]],
    broken: Callable[[Report], list[str]],
) -> int:
    """Run it in a folder and print the report; 1 when `broken` names promises that it shows broken, else 0."""
    os.environ["OMP_NUM_THREADS"] = "1"
    nursery = open_nursery()
    data = options.keep or Path(tempfile.mkdtemp(prefix="easel-"))
    try:
        report = asyncio.run(run(data, nursery))
    finally:
        if options.keep is None:
            shutil.rmtree(data, ignore_errors=True)
    problems = broken(report)
    if not options.json:
        print("\n".join(problems) or "Every promise was kept.")
    print(json.dumps(report), flush=True)
    return 1 if problems else 0
