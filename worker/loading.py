"""Loads a model of the catalogue onto a device, and gives back the memory of the one before. The only door to torch."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import structlog
import torch
from numpy.typing import NDArray

import model
from contract.catalogue import Catalogue
from contract.catalogue import Model as Offered
from contract.jobs import GRID_SIZE
from contract.plan import Plan
from model import Request, upscale
from model.components import Bundle
from model.describing import Describer, Draw
from model.errors import DeviceError, NoRoom, failure
from model.imports import collector_resting
from model.likelihood import Likelihood
from model.manners import asked_in
from model.towers import load_reader
from model.unread import Unread, legibility
from model.upscale import Upscaler, enlarge, load_upscaler
from model.ways import ONNX, Ways
from worker.colours import commonest_colour, ground_colour
from worker.engines import Describe, Engine, Enlarge, Warm
from worker.settings import DEFAULT_MODEL, Room
from worker.tried import Tried, circumstances

log = structlog.get_logger(__name__)


class Loader:
    """Loads by name. `source` is a folder or hub id to load from instead of the catalogue's, `dtype` None for the
    device's best, `graphs` a folder for exported graphs (None: they are not kept), `room` what it may take, `tried`
    where it is noted which models have drawn here."""

    def __init__(
        self,
        catalogue: Catalogue,
        device: str,
        *,
        dtype: str | None = None,
        source: str = "",
        graphs: Path | None = None,
        room: Room | None = None,
        tried: Tried | None = None,
    ) -> None:
        self._room = room or Room()
        self._tried = tried
        self._first = True
        self._bundles: weakref.WeakValueDictionary[str, Bundle] = weakref.WeakValueDictionary()
        self._catalogue = catalogue
        self._device = device
        self._dtype = dtype
        self._source = source
        self._graphs = graphs
        self._upscalers: dict[Path, Upscaler] = {}
        quiet_libraries()
        if device == "cpu":
            # Two spinning OpenMP threads on a busy machine are many times slower than one.
            torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))

    def has_tried(self, name: str) -> bool:
        """Whether the model called `name` has drawn here before, as it is now."""
        return self._tried is not None and self._circumstances(name) in self._tried

    def _circumstances(self, name: str) -> str:
        offered = self._catalogue.named(name)
        return circumstances(self._from(offered), offered, self._device, self._dtype, self._room.budget)

    def _from(self, offered: Offered) -> model.Source:
        return model.Source(self._source) if self._source else source_of(offered)

    def load(self, name: str, ways: Ways | None = None) -> Warm:
        """The model called `name`, warm. Those of before that are not closed and forgotten stay beside it. With `ways`
        it draws by these alone, as far as that can be had here.

        UserError `model_not_offered`; ModelError when it is missing or damaged, NoRoom when it does not fit beside
        those that stay.
        """
        with collector_resting():
            return self._load(name, ways)

    def _load(self, name: str, ways: Ways | None = None) -> Warm:
        begun = time.monotonic()
        if not self._first:  # a walk over all objects, and before the first model there is nothing to find
            reclaim_memory()
        self._first = False
        offered = self._catalogue.named(name)
        source = self._from(offered)
        mark = "" if self._tried is None else self._circumstances(name)  # before it loads: files may change meanwhile
        shortcuts = model.Shortcuts(offered.guidance_interval, offered.deep_every)
        beside = list(self._bundles.values())

        def bundle_by(graphs: Path | None) -> Bundle:
            return drawn_by(source, offered, self._device, self._dtype, self._room, beside, graphs)

        by_graph = ways is None or ways.text == ONNX
        bundle = bundle_by(self._graphs if by_graph else None)
        if ways is not None and by_graph and not bundle.asleep and self._graphs is not None:
            model.Engine(bundle, shortcuts=shortcuts, graphs=self._graphs).quicken()  # makes the graphs
            bundle = bundle_by(self._graphs)
        self._bundles[name] = bundle
        engine = model.Engine(bundle, shortcuts=shortcuts, graphs=self._graphs, ways=ways)
        engine.start()
        try:
            warm_up(engine, bundle.example(GRID_SIZE))
            if "moving" in offered.honours:
                warm_up(engine, bundle.example_video())
            grown = self._enlarging(source) if offered.enlargement > 1 else None
        except BaseException:
            engine.close()
            raise
        if self._tried is not None:
            self._tried.note(mark)
        # What torch and the libraries have made so far stays: no collection has to walk it, at work or at the end.
        gc.freeze()
        facts = {
            "source": source.where,
            "fingerprint": bundle.fingerprint,
            "device": str(bundle.device),
            "dtype": str(bundle.dtype).removeprefix("torch."),
            **({"streamed": ", ".join(sorted(bundle.placement.streamed))} if bundle.placement.streamed else {}),
        }
        log.info("model loaded and warm", model=name, seconds=round(time.monotonic() - begun, 1), **facts)
        unread = legibility(bundle.text, whole_words=offered.whole_words)
        read = partial(vectors, engine) if bundle.text is not None else None
        lexicon = None if bundle.text is None else bundle.text.lexicon
        describe = None
        if "describe" in offered.honours:
            describe = _describing(offered, source, str(bundle.device), unread, paints=lexicon is not None)
        manner = {} if lexicon is None else {"manner": lexicon.manner}
        return Warm(name, engine, grown, facts, unread, self._upscale, read, describe, **manner)

    def _upscale(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture four times as large, by the network that is loaded when it is needed first."""
        [large] = enlarge(self._upscaler(upscale.WHOLE), [picture])
        return large

    def _enlarging(self, source: model.Source) -> Enlarge:
        """What enlarges a model's finished pictures: the narrow networks know those of the default model."""
        own = Path(source.where) == DEFAULT_MODEL
        usual = self._upscaler(upscale.NARROW if own else upscale.WHOLE)
        draft = self._upscaler(upscale.DRAFT) if own else usual

        def grown(images: list[NDArray[np.uint8]], plan: Plan) -> list[NDArray[np.uint8]]:
            return enlarge(draft if plan.student else usual, images, tile=plan.tile)

        return grown

    def _upscaler(self, weights: Path) -> Upscaler:
        """Small, shared by all models that need it, loaded once."""
        if weights not in self._upscalers:
            self._upscalers[weights] = load_upscaler(self._device, weights)
        return self._upscalers[weights]


def _describing(
    offered: Offered, source: model.Source, device: str, unread: Callable[[str], Unread] | None, *, paints: bool
) -> Describe:
    """What describes pictures, loaded when the first one comes: the model's CLIP; or its own towers, with a second copy
    of the model to say what the thing is, as the one that draws is its engine's alone. Models without a CLIP are small,
    so they draw what they would say. ModelError, then, when they cannot be had."""
    lock = threading.Lock()
    loaded: list[Describer] = []

    def load() -> Describer:
        def reads(text: str) -> bool:
            """And it means the same to the one who draws it again: "a drawing of a fox" is painted as a drawing."""
            known = unread is None or not unread(text).words
            return known and not (paints and asked_in(f"{text} a thing, {text}"))

        towers = load_reader(offered.clip or source.where, torch.device(device))
        if offered.clip:
            return Describer(towers.fits, reads, ground_of=ground_colour)
        likelihood = Likelihood(model.load(source, device=device))
        return Describer(
            towers.fits,
            reads,
            likelihood.reads_as,
            things=likelihood.fits,
            closely=likelihood.closely,
            colour_of=commonest_colour,
            ground_of=ground_colour,
        )

    def describe(picture: NDArray[np.uint8], seed: int, draw: Draw | None = None) -> Sequence[str]:
        with lock:
            if not loaded:
                loaded.append(load())
            return loaded[0](picture, seed, draw)

    return describe


def vectors(engine: model.Engine, texts: Sequence[str]) -> NDArray[np.float32]:
    """(N, D): of each text what the denoiser is told, averaged over its tokens, and its pooled vector behind it."""
    rows = []
    for condition in engine.read(texts):
        parts = [condition.hidden.float().mean(0), *([] if condition.pooled is None else [condition.pooled.float()])]
        rows.append(torch.cat(parts).cpu().numpy())
    return np.stack(rows)


def quiet_libraries() -> None:
    """No progress bars, and no remarks about kernels of torchao that this build of torch has no use for."""
    # Some read a variable when they are imported, and listen to a call from then on.
    for name in ("TQDM_DISABLE", "HF_HUB_DISABLE_PROGRESS_BARS"):
        os.environ.setdefault(name, "1")
    if (hub := sys.modules.get("huggingface_hub.utils")) is not None:
        hub.disable_progress_bars()
    if (transformers := sys.modules.get("transformers.utils.logging")) is not None:
        transformers.disable_progress_bar()
    for name in ("torchao", "torch.utils._pytree", "diffusers.quantizers.torchao"):
        logging.getLogger(name).setLevel(logging.ERROR)


def source_of(offered: Offered) -> model.Source:
    """Where a model of the catalogue comes from, with all that it is loaded with."""
    return model.Source(
        offered.source or str(DEFAULT_MODEL),
        offered.revision if offered.source else None,
        variant=offered.variant,
        tokenizers=offered.tokenizers,
        vae=offered.vae,
        denoiser=offered.denoiser,
        text_encoders=offered.text_encoders,
        quantised=offered.quantised,
        vae_tiling=offered.vae_tiling,
        schedule={"timestep_spacing": offered.timestep_spacing} if offered.timestep_spacing else {},
        student="" if offered.student is None else offered.student.folder,
        inversions=offered.inversions,
        loras=offered.loras,
        controlnets=offered.controlnets,
        ip_adapters=offered.ip_adapters,
    )


def drawn_by(
    source: model.Source,
    offered: Offered | None,
    device: str,
    dtype: str | None,
    room: Room | None = None,
    beside: Sequence[Bundle] = (),
    graphs: Path | None = None,
) -> Bundle:
    """The model, loaded beside others; asleep where `graphs` allow it.

    ModelError when it cannot be, or when it is not what the catalogue says.
    """
    room = room or Room()
    budget = room.budget
    if budget is not None:
        budget -= sum(other.placement.needed for other in beside)
    whole = bool(beside)
    bundle = model.load(source, device=device, dtype=dtype, budget=budget, spare=room.spare, whole=whole, graphs=graphs)
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
    for sampler in () if bundle.asleep else offered.choices:
        bundle.sampler(sampler)
    return bundle


_MISFITS = ("shapes cannot be multiplied", "same reduction dim", "must match the size", "expected input")
"""How torch says that two parts do not fit."""


@contextmanager
def first_picture() -> Iterator[None]:
    """Within, a model draws for the first time: what fails there is the model's, a ModelError that says so."""
    try:
        yield
    except (DeviceError, NoRoom):
        raise
    except Exception as error:  # of its parts, whatever they stumble over
        reason = str(failure("something failed inside", error))
        if any(words in reason for words in _MISFITS):
            reason = f"its parts belong to different models ({reason.rstrip('.')})."
        raise model.ModelError(f"It loads, but it cannot draw: {reason}") from error


def reclaim_memory() -> None:
    """Free what nobody refers to any more, on the device too: two models may not fit beside each other."""
    gc.unfreeze()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def warm_up(engine: Engine, request: Request) -> None:
    """Draw a throwaway picture, so that the first user does not wait for first times."""
    with first_picture():
        engine.submit(request, preview_every=1).result()
