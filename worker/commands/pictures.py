"""`prune` and `verify`: pictures in the store, and pictures as files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from exchange.answering import AsJson, answer
from exchange.catalogue import open_catalogue
from exchange.logs import configure_logs
from exchange.settings import SettingsError, read_settings
from worker.process import devices_of, open_checked_store
from worker.retention import prune as prune_store
from worker.settings import WorkerSettings


def prune(
    days: Annotated[float | None, typer.Option(min=0, help="age in days. Default: RETENTION_DAYS")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say how many there are")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete pictures and records that nobody touched for so many days. Buttons under them keep working."""
    settings = read_settings(WorkerSettings)
    age = settings.retention_days if days is None else days
    if days is None and not age:
        raise SettingsError("RETENTION_DAYS is not set, so pictures are kept for ever; --days deletes older ones once")
    count = prune_store(open_checked_store(settings), age, dry=dry_run)
    words = f"{'Would delete' if dry_run else 'Deleted'} the pictures of {count} jobs."
    answer({"jobs": count, "days": age, "dry_run": dry_run}, words, as_json)


def verify(
    files: Annotated[list[Path], typer.Argument(help="pictures that Easel made: PNG, JPEG, WebP or MP4")],
    again: Annotated[bool, typer.Option("--redraw/--no-redraw", help="draw it again from the file alone")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object a file")] = False,
) -> None:
    """Say what made pictures, whether they were changed since, and whether they can be drawn again from themselves.

    Exit status 0 when all is as it should be, 1 when it is not, 2 when it cannot be told.
    """
    from worker import verifying
    from worker.loading import Loader

    settings = read_settings(WorkerSettings)
    configure_logs(settings.log_format, "error")
    catalogue = open_catalogue(settings.catalogue, commercial=settings.commercial)
    device = devices_of(settings, None)[0]
    device = "cuda" if device.isdigit() else device
    loader = Loader(catalogue, device, source=settings.model_source, graphs=Path(settings.state_folder) / "graphs")
    signer = settings.signer()
    anchors = signer.chain if signer is not None else None
    tally = Counter[str]()
    with verifying.Redrawer(catalogue, loader) as redrawer:
        for file in files:
            try:
                verified = verifying.verify(verifying.open_file(file), anchors, redrawer if again else None)
            except verifying.CannotVerify as error:
                if len(files) == 1:
                    raise
                answer({"file": str(file), "error": str(error)}, f"{file}: {error}", as_json)
                tally["cannot be told"] += 1
                continue
            prefix = f"{file}: " if len(files) > 1 else ""
            answer({"file": str(file), **verified.document()}, prefix + verified.words(), as_json)
            tally[verified.verdict] += 1
    if len(files) > 1 and not as_json:
        typer.echo(f"{len(files)} files: " + ", ".join(f"{count} {verdict}" for verdict, count in tally.most_common()))
    good = sum(tally[verdict] for verdict in verifying.GOOD)
    raise typer.Exit(0 if good == len(files) else 2 if tally["cannot be told"] else 1)
