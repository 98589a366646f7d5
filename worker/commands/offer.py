"""`models`: what is on offer, fetching it, whether its files are whole, and one picture drawn with it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contract.catalogue import Catalogue, Model
from contract.errors import UserError
from contract.planning import plan
from exchange.answering import Absent, AsJson, answer
from exchange.catalogue import open_catalogue
from exchange.connection import RedisUnavailable
from exchange.logs import configure_logs
from exchange.opening import open_redis
from exchange.settings import SettingsError, read_settings
from exchange.status import read_status
from worker.commands.trial import operators_job
from worker.process import devices_of
from worker.settings import DEFAULT_MODEL, WorkerSettings

if TYPE_CHECKING:
    from model import Source

app = typer.Typer(help="The models on offer.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(metavar="[MODEL]...", help="names of the catalogue; all if none")]


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Show every model of the catalogue: versions, licence, whether its files are here, how many workers have it."""
    settings = read_settings(WorkerSettings)
    workers = _workers(settings)
    rows = [_row(model, workers) for model in _catalogue(settings)]
    lines = [
        f"{row['name']}: {row['title']}; versions {', '.join(row['versions'])}\n"
        f"  {row['family']}, {row['source']} ({'here' if row['here'] else 'not fetched'}), served by "
        f"{'?' if row['workers'] is None else row['workers']} workers\n"
        f"  licence: {row['licence']}{'' if row['commercial'] else ' (not for commercial use)'}"
        for row in rows
    ]
    answer({"models": rows}, "\n".join(lines), as_json)


@app.command("pull")
def pull(names: Names = None, as_json: AsJson = False) -> None:
    """Fetch models of the catalogue from their hub at their pinned revisions, so that no first job waits for it."""
    _quiet()
    from model.loading import fetched
    from worker.loading import source_of

    pulled = []
    for model in _named(_catalogue(read_settings(WorkerSettings)), names):
        source = source_of(model)
        folder = Path(source.where).expanduser()
        if not folder.exists():
            folder = _reached(lambda source=source: fetched(source))
        pulled.append({"name": model.name, "folder": str(folder), "revision": source.revision})
    words = "\n".join(f"{one['name']}: {one['folder']}" for one in pulled)
    answer({"models": pulled}, words, as_json)


@app.command("verify")
def verify_files(names: Names = None, as_json: AsJson = False) -> None:
    """Say whether the files of models are whole, without loading them, and whether workers have the same ones.

    Exit status 1 when one is not.
    """
    _quiet()
    from model.files import damage_in
    from model.loading import fetched, fingerprint_of
    from worker.loading import source_of

    settings = read_settings(WorkerSettings)
    workers = _workers(settings)
    rows = []
    for model in _named(_catalogue(settings), names):
        source = source_of(model)
        path = Path(source.where).expanduser()
        if not path.exists():
            path = _reached(lambda source=source: fetched(source, local_files_only=True))
        damage = damage_in(path)
        fingerprint = fingerprint_of(path)
        others = sorted(
            f"{worker.get('place') or worker.get('name')} ({worker['fingerprint']})"
            for worker in workers or ()
            if _is_plain(source) and worker.get("loaded") == model.name and worker.get("fingerprint") != fingerprint
        )
        problems = [*damage, *(f"another fingerprint on {other}" for other in others)]
        rows.append({"name": model.name, "path": str(path), "fingerprint": fingerprint, "problems": problems})
    words = "\n".join(
        f"{row['name']}: {'; '.join(row['problems']) or 'whole'} (fingerprint {row['fingerprint']})" for row in rows
    )
    answer({"models": rows}, words, as_json)
    raise typer.Exit(1 if any(row["problems"] for row in rows) else 0)


@app.command("try")
def try_out(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="a model of the catalogue")],
    prompt: Annotated[str, typer.Option(help="what to draw, flags included")] = "a red apple",
    out: Annotated[Path, typer.Option(help="where the picture goes (PNG)")] = Path("try.png"),
    as_json: AsJson = False,
) -> None:
    """Load a model and draw one grid with it, as a job would be drawn; says how long each took."""
    _quiet()
    from worker.alone import make_alone
    from worker.encoding import assemble_grid, encode_lossless
    from worker.loading import Loader
    from worker.parameters import parameters_text
    from worker.results import Pictures

    settings = read_settings(WorkerSettings)
    configure_logs(settings.log_format, "error")
    catalogue = _catalogue(settings)
    [model] = _named(catalogue, [name])
    job = operators_job(prompt, model, catalogue)
    planned = plan(job, model)
    device = devices_of(settings, None)[0]
    dtype = None if settings.dtype == "auto" else settings.dtype
    begun = time.monotonic()
    warm = _reached(
        lambda: Loader(
            catalogue, "cuda" if device.isdigit() else device, dtype=dtype, source=settings.model_source
        ).load(name)
    )
    loaded = time.monotonic()
    try:
        result = make_alone(job, planned, model, warm)
    finally:
        warm.engine.close()
    drawn = time.monotonic()
    assert isinstance(result, Pictures), "an imagine makes pictures"
    out.write_bytes(encode_lossless(assemble_grid(result.images), parameters=parameters_text(job)).data)
    document = {
        "model": name,
        "file": str(out),
        "seed": job.seed,
        "load_s": round(loaded - begun, 2),
        "draw_s": round(drawn - loaded, 2),
        "steps": planned.num_inference_steps,
        **warm.facts,
    }
    said = f"{out}: loaded in {document['load_s']} s, drawn in {document['draw_s']} s on {document['device']}"
    answer(document, said, as_json)


def _row(model: Model, workers: list[dict[str, str]] | None) -> dict[str, Any]:
    source = model.source or str(DEFAULT_MODEL)
    return {
        "name": model.name,
        "title": model.title,
        "family": model.family,
        "versions": [*model.aliases, *model.versions],
        "licence": model.licence,
        "commercial": model.commercial,
        "source": source if model.source else "the model that ships",
        "revision": model.revision,
        "here": Path(source).expanduser().exists(),
        "workers": None if workers is None else sum(1 for one in workers if model.name in _serves(one)),
    }


def _serves(worker: dict[str, str]) -> list[str]:
    return worker.get("models", "").split(",")


def _workers(settings: WorkerSettings) -> list[dict[str, str]] | None:
    """The workers that run, None where no Redis says so: the catalogue can be read without one."""
    if settings.redis_url is None:
        return None
    try:
        return list(read_status(open_redis(settings)).workers)
    except RedisUnavailable as error:
        typer.echo(f"easel: {error}", err=True)
        return None


def _catalogue(settings: WorkerSettings) -> Catalogue:
    return open_catalogue(settings.catalogue, commercial=settings.commercial)


def _named(catalogue: Catalogue, names: list[str] | None) -> list[Model]:
    """The models meant. Absent for a name that is not in the catalogue."""
    offered = {model.name: model for model in catalogue}
    if missing := [name for name in names or () if name not in offered]:
        raise Absent(f"the catalogue has no model {missing[0]}; it has {', '.join(offered)}")
    return [offered[name] for name in names or offered]


def _is_plain(source: Source) -> bool:
    """Whether a model's fingerprint is that of its files alone."""
    return not (source.vae or source.schedule or source.inversions)


def _reached(get: Any) -> Any:
    """What `get` gives; SettingsError for a model that cannot be had."""
    from model.errors import ModelError

    try:
        return get()
    except (ModelError, UserError) as error:
        raise SettingsError(str(error)) from error


def _quiet() -> None:
    """The libraries' progress bars say nothing here."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
