"""How much memory a model's work will take, found out without doing it.

torch's fake tensors have shapes and no numbers: the real code of the denoiser and of the autoencoder runs over them in
well under a second, and what would be alive at a time is added up.
"""

import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from model import vae
from model.components import Bundle, assemble
from model.families import Condition
from model.memory import tensor_bytes, twin
from model.placement import Forecast
from model.request import MAX_IMAGES, Size

_PROMPT = "a photograph of a quiet harbour in the early morning, with boats and a few people, in soft light"


def forecast(bundle: Bundle, size: Size | None = None) -> Forecast:
    """What a bundle's parts take, and what drawing pictures of a size, or a video, takes beside them: pictures of the
    model's own size if None."""
    size = size or Size(*bundle.native_size)
    trial = _twin(bundle)  # some parts keep what they computed once, and must not keep tensors without numbers
    return Forecast(weights_of(bundle.parts.modules), _row(trial, size), _decoding(trial, size))


def _twin(bundle: Bundle) -> Bundle:
    """The same model of other objects, which share all weights."""
    modules = {name: twin(part) for name, part in bundle.parts.modules.items()}
    parts = replace(bundle.parts, modules=modules)
    return assemble(type(bundle.family), parts, fingerprint="twin", device=bundle.device, dtype=bundle.dtype)


def weights_of(modules: Mapping[str, Any]) -> dict[str, int]:
    """The bytes of each part that has weights."""
    return {
        name: sum(tensor_bytes(tensor) for tensor in (*part.parameters(), *part.buffers()))
        for name, part in modules.items()
        if isinstance(part, torch.nn.Module)
    }


T = TypeVar("T")


def peak_of(work: Callable[[T], object], prepare: Callable[[], T]) -> int | None:
    """The most bytes that the tensors made by `work`, given what `prepare` made, would take at a time; None where
    their numbers would be needed."""
    tally = Tally()
    try:
        with torch.inference_mode(), FakeTensorMode(allow_non_fake_inputs=True):
            prepared = prepare()
            with tally:
                work(prepared)
    except Exception:  # code that depends on numbers, kernels without shapes: whatever it is, there is no forecast
        return None
    return tally.peak


def _row(bundle: Bundle, size: Size) -> int | None:
    """Of a forward of two rows, as guidance has them, the share of each."""
    family, rows = bundle.family, 2

    def denoise(condition: Condition | None) -> None:
        latents = torch.zeros(rows, *bundle.latent_shape(size), device=bundle.device)
        timesteps = torch.full((rows,), 500.0, device=bundle.device)
        family.predict(list(latents) if family.mixes_shapes else latents, timesteps, [condition] * rows)

    peak = peak_of(denoise, lambda: _condition(bundle, size))
    return None if peak is None else peak // rows


def _condition(bundle: Bundle, size: Size) -> Condition | None:
    if bundle.text is None:
        return None
    condition = bundle.text.encode(_PROMPT)
    family = bundle.family
    shape = bundle.latent_shape(size)
    if family.takes_mask:
        mask = torch.ones(1, 1, size.height, size.width, device=bundle.device)
        seen = family.mask_channels(mask, torch.zeros(1, *shape, device=bundle.device))
        condition = replace(condition, channels=seen[0])
    if family.needs_reference:
        condition = replace(condition, references=(torch.zeros(shape, device=bundle.device),))
    return condition


def _decoding(bundle: Bundle, size: Size) -> int | None:
    if bundle.vae is None:
        return 0
    images = 1 if size.frames > 1 else min(MAX_IMAGES, vae.per_slice(size.width * size.height))
    shape = (images, *bundle.latent_shape(size))
    return peak_of(lambda latents: vae.decode(bundle.vae, latents), lambda: torch.zeros(shape, device=bundle.device))


class Tally(TorchDispatchMode):
    """Within, `peak` is the most bytes that the tensors made so far took at a time. Of the thread that enters it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._live = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return result

    def _count(self, storage: Any) -> None:
        place = storage._cdata
        if place in self._known:
            return
        self._known.add(place)
        self._live += storage.nbytes()
        self.peak = max(self.peak, self._live)
        weakref.finalize(storage, self._forget, place, storage.nbytes())

    def _forget(self, place: int, count: int) -> None:
        self._known.discard(place)
        self._live -= count
