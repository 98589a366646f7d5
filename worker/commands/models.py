"""`check`: whether a model can be drawn with here, before its first job."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contract.errors import UserError
from exchange.catalogue import open_catalogue
from exchange.settings import SettingsError, read_settings
from worker.settings import WorkerSettings

if TYPE_CHECKING:
    from contract.catalogue import Catalogue
    from model import Source
    from model.components import Bundle

MEBIBYTE = 1024 * 1024


def check(
    model: Annotated[str, typer.Argument(help="a model of the catalogue, or a folder, file or hub id")],
    device: Annotated[str, typer.Option(help="cpu, cuda or mps")] = "cpu",
) -> None:
    """Say whether a model loads and draws, and what memory it takes; exit status 2 and the reason if it does not."""
    settings = read_settings(WorkerSettings)
    os.environ.setdefault("TQDM_DISABLE", "1")  # progress bars of the libraries
    try:
        from model import ModelError  # brings torch
        from worker.loading import drawn_by, source_of
    except ImportError as error:
        raise SettingsError(
            'this install only delivers; `pip install ".[worker]"` adds torch and all that draws'
        ) from error
    catalogue = open_catalogue(settings.catalogue, commercial=settings.commercial)
    offered = next((one for one in catalogue if one.name == model), None)
    dtype = None if settings.dtype == "auto" else settings.dtype
    try:
        source = _anywhere(model, catalogue) if offered is None else source_of(offered)
        _check_room(source, device, dtype)
        bundle = drawn_by(source, offered, device, dtype)
        _try(bundle)
    except (ModelError, UserError) as error:
        typer.echo(f"{model}: no. {error}", err=True)
        raise typer.Exit(2) from error


def _anywhere(place: str, catalogue: Catalogue) -> Source:
    """A source that no catalogue names. ModelError for a word that is no place."""
    from model import ModelError, Source

    if "/" not in place and not Path(place).exists():
        names = ", ".join(model.name for model in catalogue)
        raise ModelError(f"It is no model of the catalogue ({names}), and no folder, file or hub id.")
    return Source(place)


def _check_room(source: Source, device: str, dtype: str | None) -> None:
    """Say what the weights will take; ModelError when the device does not have it."""
    import torch

    from model import ModelError
    from model.memory import free_bytes, numbers_in

    path = Path(source.where).expanduser()
    files = [path] if path.is_file() else sorted(path.glob("*/*.safetensors"))
    if not files:
        return
    bytes_each = 4 if dtype == "float32" or (dtype is None and device == "cpu") else 2
    needed, free = numbers_in(files) * bytes_each, free_bytes(torch.device(device))
    typer.echo(f"weights: {_mebibytes(needed)} expected, {_mebibytes(free)} free on {device}")
    if needed > free:
        raise ModelError(
            f"Its weights need {_mebibytes(needed)} on {device}, which has {_mebibytes(free)} free: "
            f"take a device with more memory, or a DTYPE of fewer bytes."
        )


def _try(bundle: Bundle) -> None:
    """Draw one picture of the model's own size, and say what the model is and what it took."""
    import torch

    from model.drawing import generate
    from model.memory import peak_bytes, weight_bytes

    family = bundle.family
    parts = {name: part for name, part in bundle.parts.modules.items() if isinstance(part, torch.nn.Module)}
    sizes = ", ".join(f"{name} {_mebibytes(weight_bytes(part))}" for name, part in parts.items())
    before = peak_bytes(bundle.device)
    generate(bundle, bundle.example())
    width, height = bundle.native_size
    typer.echo(f"family: {family.name}; guidance: {family.guidance}; drawn at {width}x{height}")
    typer.echo(f"samplers: {', '.join(sorted(bundle.samplers))}")
    typer.echo(f"parts: {sizes}")
    typer.echo(f"one picture: {_mebibytes(max(0, peak_bytes(bundle.device) - before))} beside the weights")
    typer.echo(f"yes: it loads and draws (fingerprint {bundle.fingerprint})")


def _mebibytes(count: int) -> str:
    return f"{count / MEBIBYTE:,.1f} MiB"
