"""`check` and `models`: what is on offer, whether it is here and whole, and whether it draws, before a first job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contract.errors import UserError
from exchange.answering import AsJson, answer
from exchange.catalogue import open_catalogue
from exchange.settings import SettingsError, read_settings
from worker.settings import WorkerSettings

if TYPE_CHECKING:
    from contract.catalogue import Catalogue
    from model import Source
    from model.components import Bundle

Tell = Callable[[str], object]


def check(
    model: Annotated[str, typer.Argument(help="a model of the catalogue, or a folder, file or hub id")],
    device: Annotated[str, typer.Option(help="cpu, cuda or mps")] = "cpu",
    as_json: AsJson = False,
) -> None:
    """Say whether a model loads and draws, and what memory it takes; exit status 2 and the reason if it does not."""
    settings = read_settings(WorkerSettings)
    try:
        from model import ModelError  # brings torch
        from worker.loading import drawn_by, quiet_libraries, source_of
    except ImportError as error:
        raise SettingsError(
            'this install only delivers; `pip install ".[worker]"` adds torch and all that draws'
        ) from error
    quiet_libraries()
    catalogue = open_catalogue(settings.catalogue, commercial=settings.commercial)
    offered = next((one for one in catalogue if one.name == model), None)
    dtype = None if settings.dtype == "auto" else settings.dtype
    said: list[str] = []
    tell = said.append if as_json else typer.echo
    try:
        source = _anywhere(model, catalogue) if offered is None else source_of(offered)
        _check_room(source, device, dtype, tell)
        bundle = drawn_by(source, offered, device, dtype, settings.room)
        _forecast(bundle, tell)
        if offered is not None and "moving" in offered.honours:
            _forecast_video(bundle, offered.frames, tell)
        _try(bundle, tell)
    except (ModelError, UserError) as error:
        if as_json:
            answer({"model": model, "draws": False, "reason": str(error), "said": said}, "", as_json)
        else:
            typer.echo(" ".join(f"{model}: no. {error}".split()), err=True)  # in one line, as a name may have more
        raise typer.Exit(2) from error
    if as_json:
        answer({"model": model, "draws": True, "said": said}, "", as_json)


def _anywhere(place: str, catalogue: Catalogue) -> Source:
    """A source that no catalogue names. ModelError for a word that is no place."""
    from model import ModelError, Source

    if "/" not in place and not Path(place).exists():
        names = ", ".join(model.name for model in catalogue)
        raise ModelError(f"It is no model of the catalogue ({names}), and no folder, file or hub id.")
    return Source(place)


def _check_room(source: Source, device: str, dtype: str | None, tell: Tell) -> None:
    """Say what the weights will take before they are read; ModelError when there is not even room to read them."""
    import torch

    from model import ModelError
    from model.memory import free_bytes, mebibytes, numbers_in_gguf, weights_in_files

    files = source.weight_files()
    if not files:
        return
    bytes_each = 4 if dtype == "float32" or (dtype is None and device == "cpu") else 2
    needed, free = weights_in_files(files, bytes_each), free_bytes(torch.device("cpu"))
    needed += bytes_each * sum(numbers_in_gguf(Path(file).expanduser()) for file in source.text_encoders.values())
    tell(f"weights: {mebibytes(needed)} expected, {mebibytes(free)} of the system's memory are free")
    if needed > free:
        raise ModelError(
            f"Its weights need {mebibytes(needed)} of the system's memory, which has {mebibytes(free)} free: "
            f"take a host with more memory, or a DTYPE of fewer bytes."
        )


def _forecast(bundle: Bundle, tell: Tell) -> None:
    """Say what the model will take at work, before it works."""
    from model.forecast import forecast
    from model.memory import mebibytes

    made = bundle.placement.forecast or forecast(bundle)
    parts = ", ".join(f"{name} {mebibytes(count)}" for name, count in made.weights.items())
    width, height = bundle.native_size
    row, decoding = ("unknown" if count is None else mebibytes(count) for count in (made.row, made.decoding))
    tell(f"parts: {parts}")
    tell(f"expected at {width}x{height}: {row} for each row of a forward, {decoding} for decoding a grid")
    total = sum(made.weights.values()) + made.activations
    tell(f"needed with every part on the device: {mebibytes(total)}")
    if streamed := sorted(bundle.placement.streamed):
        tell(f"streamed layer by layer: {', '.join(streamed)}; needed so: {mebibytes(bundle.placement.needed)}")


def _forecast_video(bundle: Bundle, frames: int, tell: Tell) -> None:
    """Say what a video of the catalogue's length will take."""
    from model import Size
    from model.forecast import forecast
    from model.memory import mebibytes

    width, height = bundle.native_size
    made = forecast(bundle, Size(width, height, frames=frames))
    row, decoding = ("unknown" if count is None else mebibytes(count) for count in (made.row, made.decoding))
    tell(f"expected of {frames} frames at {width}x{height}: {row} for each row of a forward, {decoding} for decoding")


def _try(bundle: Bundle, tell: Tell) -> None:
    """Draw one picture of the model's own size, and say what the model is and what it took."""
    from model.drawing import generate
    from model.memory import mebibytes, peak_bytes
    from worker.loading import first_picture

    family = bundle.family
    before = peak_bytes(bundle.device)
    with first_picture():
        generate(bundle, bundle.example())
    width, height = bundle.native_size
    tell(f"family: {family.name}; guidance: {family.guidance}; drawn at {width}x{height}")
    tell(f"samplers: {', '.join(sorted(bundle.samplers))}")
    tell(f"one picture: {mebibytes(max(0, peak_bytes(bundle.device) - before))} beside the weights")
    if family.frames_per_latent:
        tell(f"videos: {len(generate(bundle, bundle.example_video()))} frames drawn on from a picture")
    tell(f"yes: it loads and draws (fingerprint {bundle.fingerprint})")
