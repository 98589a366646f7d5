"""Loads a model of the catalogue onto a device, and gives back the memory of the one before. The only door to torch."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path

import numpy as np
import structlog
import torch
from numpy.typing import NDArray

import model
from contract.catalogue import Catalogue
from contract.catalogue import Model as Offered
from contract.jobs import GRID_SIZE
from model import Request
from model.components import Bundle
from model.unread import legibility
from model.upscale import enlarge, load_upscaler
from worker.engines import Engine, Enlarge, Warm
from worker.settings import DEFAULT_MODEL

log = structlog.get_logger(__name__)


class Loader:
    """Loads by name. `source` is a folder or hub id to load from instead of the catalogue's, `dtype` None for the
    device's best, `graphs` a folder for exported graphs (None: they are not kept)."""

    def __init__(
        self,
        catalogue: Catalogue,
        device: str,
        *,
        dtype: str | None = None,
        source: str = "",
        graphs: Path | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._device = device
        self._dtype = dtype
        self._source = source
        self._graphs = graphs
        self._enlarge: Enlarge | None = None
        os.environ.setdefault("TQDM_DISABLE", "1")  # the libraries' progress bars are noise in a log
        if device == "cpu":
            # Two spinning OpenMP threads on a busy machine are many times slower than one.
            torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))

    def load(self, name: str) -> Warm:
        """The model called `name`, warm. Whatever was loaded before must be closed and forgotten.

        UserError `model_not_offered`; ModelError when it is missing or damaged.
        """
        begun = time.monotonic()
        reclaim_memory()
        offered = self._catalogue.named(name)
        source = model.Source(self._source) if self._source else source_of(offered)
        bundle = drawn_by(source, offered, self._device, self._dtype)
        shortcuts = model.Shortcuts(offered.guidance_interval, offered.deep_every)
        engine = model.Engine(bundle, shortcuts=shortcuts, graphs=self._graphs)
        engine.start()
        try:
            warm_up(engine, bundle.example(GRID_SIZE))
            grown = self._enlarged() if offered.enlargement > 1 else None
        except BaseException:
            engine.close()
            raise
        # What torch and the libraries have made so far stays: no collection has to walk it, at work or at the end.
        gc.freeze()
        facts = {
            "source": source.where,
            "fingerprint": bundle.fingerprint,
            "device": str(bundle.device),
            "dtype": str(bundle.dtype).removeprefix("torch."),
        }
        log.info("model loaded and warm", model=name, seconds=round(time.monotonic() - begun, 1), **facts)
        return Warm(name, engine, grown, facts, legibility(bundle.text, whole_words=offered.whole_words), self._upscale)

    def _upscale(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture four times as large, by the network that is loaded when it is needed first."""
        [large] = self._enlarged()([picture], False)
        return large

    def _enlarged(self) -> Enlarge:
        """What enlarges finished pictures: small, shared by all models that need it, loaded once."""
        if self._enlarge is None:
            upscaler = load_upscaler(self._device)

            def grown(images: list[NDArray[np.uint8]], tile: bool) -> list[NDArray[np.uint8]]:
                return enlarge(upscaler, images, tile=tile)

            self._enlarge = grown
        return self._enlarge


def source_of(offered: Offered) -> model.Source:
    """Where a model of the catalogue comes from, with all that it is loaded with."""
    return model.Source(
        offered.source or str(DEFAULT_MODEL),
        offered.revision if offered.source else None,
        variant=offered.variant,
        tokenizers=offered.tokenizers,
        vae=offered.vae,
        schedule={"timestep_spacing": offered.timestep_spacing} if offered.timestep_spacing else {},
        inversions=offered.inversions,
        loras=offered.loras,
        controlnets=offered.controlnets,
        ip_adapters=offered.ip_adapters,
    )


def drawn_by(source: model.Source, offered: Offered | None, device: str, dtype: str | None) -> Bundle:
    """The model, loaded. ModelError when it cannot be, or when it is not what the catalogue says."""
    bundle = model.load(source, device=device, dtype=dtype)
    if offered is None:
        return bundle
    name, family = offered.name, bundle.family.name
    if family != offered.family:
        raise model.ModelError(f"{name} is of the family {family}: say so in the catalogue")
    if offered.size_multiple % bundle.grid:
        raise model.ModelError(
            f"{name} draws in multiples of {bundle.grid} pixels, "
            f"so its size_multiple in the catalogue cannot be {offered.size_multiple}"
        )
    bundle.sampler(offered.sampler)
    return bundle


def reclaim_memory() -> None:
    """Free what nobody refers to any more, on the device too: two models may not fit beside each other."""
    gc.unfreeze()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def warm_up(engine: Engine, request: Request) -> None:
    """Draw a throwaway picture, so that the first user does not wait for first times."""
    engine.submit(request, preview_every=1).result()
