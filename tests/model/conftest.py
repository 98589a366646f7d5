"""Tiny models and a way to compare pictures, for all tests of `model`."""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch: two threads on busy cores are many times slower than one

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model import tiny
from model.components import Bundle
from model.engine import Engine
from model.loading import load
from model.request import Prompt, Request, Sampling, Size
from model.ticket import Ticket

torch.set_num_threads(1)

DEFAULT = Path(__file__).parents[2] / "model" / "default"


@pytest.fixture(scope="session")
def sd() -> Bundle:
    return tiny.bundle("stable-diffusion")


@pytest.fixture(scope="session")
def sdxl() -> Bundle:
    return tiny.bundle("stable-diffusion-xl")


@pytest.fixture(scope="session")
def ddpm() -> Bundle:
    return tiny.bundle("unconditional")


@pytest.fixture(scope="session")
def z_image() -> Bundle:
    return tiny.bundle("z-image")


@pytest.fixture(scope="session")
def default() -> Bundle:
    """The small trained model that ships with Easel."""
    return load(DEFAULT)


@pytest.fixture
def the_mode_of_an_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours takes the mode of a picture's encoding, where some stock pipelines draw from around it."""
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda posterior, generator=None: posterior.mode())


def altered(request: Request, **changes: Any) -> Request:
    """The same request but for some fields of it or of its prompt, size or sampling."""
    for part, kind in (("prompt", Prompt), ("size", Size), ("sampling", Sampling)):
        own = {name: changes.pop(name) for name in [*changes] if name in {field.name for field in fields(kind)}}
        changes[part] = replace(changes.get(part, getattr(request, part)), **own)
    return replace(request, **changes)


def level_difference(ones: list[np.ndarray], others: list[np.ndarray]) -> int:
    """The largest difference of any channel of any pixel, in levels of 255."""
    assert len(ones) == len(others)
    return max(int(np.abs(one.astype(int) - other).max()) for one, other in zip(ones, others, strict=True))


def psnr_db(ones: list[np.ndarray], others: list[np.ndarray]) -> float:
    error = np.mean([np.square(one.astype(float) - other).mean() for one, other in zip(ones, others, strict=True)])
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def assert_same_pictures(ones: list[np.ndarray], others: list[np.ndarray]) -> None:
    """The gate of exactness: at most one level apart anywhere, and at least 50 dB."""
    assert level_difference(ones, others) <= 1
    assert psnr_db(ones, others) >= 50


@contextmanager
def running(bundle: Bundle, **options: Any) -> Iterator[Engine]:
    """An engine that is closed at the end, whatever happens."""
    engine = Engine(bundle, **{"quicken": "off", **options})  # else the moment of the take-over would be chance
    try:
        engine.start()
        yield engine
    finally:
        engine.close()


def submit_together(engine: Engine, requests: Sequence[Request]) -> list[Ticket]:
    """Submit all, and let none take a step before all are prepared: they then share every forward they can."""
    tickets = []
    for request in requests:
        with engine._wake:  # the engine thread cannot look before the ticket is paused
            tickets.append(engine.submit(request))
            tickets[-1].pause()
    prepared = threading.Event()
    engine._encode_lane.put(prepared.set)
    assert prepared.wait(60)
    with engine._wake:
        for ticket in tickets:
            ticket.resume()
    return tickets


class Recorder:
    """Stands before a bundle's family and remembers the rows of each forward."""

    def __init__(self, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: list[int] = []
        self._predict = bundle.family.predict
        monkeypatch.setattr(bundle.family, "predict", self)

    def __call__(self, latents: Any, timesteps: torch.Tensor, conditions: Any) -> Any:
        self.rows.append(len(timesteps))
        return self._predict(latents, timesteps, conditions)
