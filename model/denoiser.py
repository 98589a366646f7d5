"""One forward for many requests: gather their rows, predict, hand each its own share back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from importlib.util import find_spec
from itertools import accumulate, chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch

from model.adapters.lora import adapted
from model.components import Bundle
from model.errors import ModelError
from model.families import Condition
from model.families.unet import TextUNet
from model.memory import twin
from model.request import Size
from model.state import DenoisingState, Prediction, Shortcuts
from model.tile import wrapped_around
from model.vae import Decoder
from model.ways import TORCH

if TYPE_CHECKING:
    from model.traced import Recorder

logger = logging.getLogger(__name__)

_SMALL = 200_000_000  # parameters


Way = Literal["onnx", "trace", "compile", "off"]
"""How a forward may be made faster: by onnxruntime, by a recorded graph, by torch.compile, not at all."""
QUICK: tuple[Way, ...] = ("onnx", "trace", "compile")


class Predicts(Protocol):
    """Anything that predicts as a family does."""

    def predict(self, latents: Any, timesteps: torch.Tensor, conditions: Sequence[Condition | None]) -> Any: ...


class Denoiser:
    """Owns the denoiser's forward: at most `max_rows` rows at once, fewer after memory ran out."""

    def __init__(
        self, bundle: Bundle, max_rows: int, shortcuts: Shortcuts | None = None, graphs: Path | None = None
    ) -> None:
        """graphs: a folder for exported graphs, which the next process finds there."""
        self._graphs = graphs
        self._reusing = (shortcuts or Shortcuts()).deep_every > 1
        if max_rows < 1:
            raise ModelError(f"A forward has at least one row, not {max_rows}.")
        self.max_rows = max_rows
        self._bundle = bundle
        self._quick: Predicts | None = None
        self._taken = ""

    def usual_way(self) -> Way:
        """A graph where it pays: a small UNet on a CPU, where dispatch costs as much as arithmetic."""
        if self.lies_ready("onnx"):
            return "onnx"
        small = sum(weights.numel() for weights in self._bundle.denoiser.parameters()) < _SMALL
        if not small or self._bundle.device.type != "cpu" or not _recordable(self._bundle):
            return "off"
        return "onnx" if find_spec("onnxruntime") else "trace"

    @property
    def quickened(self) -> str:
        """The way that has taken over; empty while the plain forward serves."""
        return self._taken

    def lies_ready(self, way: Way) -> bool:
        """Whether `quicken` would take a moment only: a process before this one has kept its graphs."""
        if way != "onnx" or self._graphs is None or self._bundle.device.type != "cpu" or not find_spec("onnxruntime"):
            return False
        from model.exported import OnnxRuntime
        from model.traced import FULL, PROMPT, SHALLOW, WHOLE

        names = (FULL, SHALLOW, PROMPT) if self._reusing else (WHOLE, PROMPT)
        return OnnxRuntime(self._bundle.fingerprint, self._graphs).has(*names)

    def quicken(self, way: Way) -> bool:
        """Prepare a faster forward of the same arithmetic, in the caller's thread; eager serves until it is there.

        onnx: export the UNet's graph to onnxruntime (CPU; some seconds, the next time at once), or else trace it.
        trace: record the graph (CPU; under a second). compile: torch.compile of the repeated blocks (a minute on a CPU,
        needs a C compiler there). Says whether it worked; where not, eager goes on serving.
        """
        for attempt in ("onnx", "trace") if way == "onnx" else (way,):
            try:
                with torch.inference_mode():
                    prepared = self._prepared(attempt)
            except Exception as error:  # whatever a recorder or compiler stumbles over, pictures are made without it
                logger.warning("The denoiser runs as it is, %s is not possible: %s", attempt, error)
            else:
                self._taken = attempt  # before it: who finds a faster forward wants to know which
                self._quick = prepared
                return True
        return False

    def _prepared(self, way: str) -> Predicts:
        match way:
            case "onnx":
                from model.exported import OnnxRuntime

                return traced(self._bundle, self._reusing, OnnxRuntime(self._bundle.fingerprint, self._graphs))
            case "trace":
                return traced(self._bundle, self._reusing)
            case _:
                return compiled(self._bundle)

    def predict(self, states: Sequence[DenoisingState], tile: bool = False) -> list[Prediction]:
        """What each request's `advance` takes, from as few forwards as fit: one for those whose next step is computed
        in full, one for those that reuse their deep part.

        Pure: after a failure the same requests can be predicted again, together or one by one.
        """
        predictions: dict[int, Prediction] = {}
        with wrapped_around(self._bundle.denoiser if tile else None):
            for reuse in (False, True):
                if group := [state for state in states if (state.reusable is not None) is reuse]:
                    predictions.update(zip(map(id, group), self._forward(group, tile), strict=True))
        return [predictions[id(state)] for state in states]

    def _forward(self, states: Sequence[DenoisingState], tile: bool) -> list[Prediction]:
        """The predictions of requests that all reuse their deep part or all do not."""
        rows = [state.rows() for state in states]
        counts = [len(latents) for latents, _, _ in rows]
        conditions = list(chain.from_iterable(conditions for _, _, conditions in rows))
        timesteps = torch.cat([timesteps.float() for _, timesteps, _ in rows]).to(rows[0][0].device, non_blocking=True)
        if self._bundle.family.mixes_shapes:
            latents: torch.Tensor | list[torch.Tensor] = list(chain.from_iterable(part for part, _, _ in rows))
        else:
            latents = torch.cat([part for part, _, _ in rows]) if len(rows) > 1 else rows[0][0]
        plain = all(condition is None or self._is_plain(condition) for condition in conditions)
        quick = self._quick if plain and not tile else None
        predictor: Any = quick or self._bundle.family
        way = TORCH if quick is None else self._taken
        if not self._reusing:

            def predict(part: slice) -> tuple[Any, ...]:
                with self._adapted(conditions[part]):
                    return (predictor.predict(latents[part], timesteps[part], conditions[part]),)

        else:
            kept = [state.reusable for state in states if state.reusable is not None]
            deep = torch.cat(kept) if kept else None

            def predict(part: slice) -> tuple[Any, ...]:
                above = None if deep is None else deep[part]
                with self._adapted(conditions[part]):
                    output, below = predictor.predict_reusing(latents[part], timesteps[part], conditions[part], above)
                return output, below

        results = self._in_slices(predict, len(timesteps))
        ends = list(accumulate(counts))
        predictions = []
        for count, end in zip(counts, ends, strict=True):
            output, *kept_deep = (_stacked(result[end - count : end]) for result in results)
            predictions.append(Prediction(output, kept_deep[0] if kept_deep else None, way))
        return predictions

    def _is_plain(self, condition: Condition) -> bool:
        """Whether the recorded forwards take it: a prompt of one window, and nothing beside it."""
        example = self._bundle.condition(None)
        return condition.plain and example is not None and len(condition.hidden) == len(example.hidden)

    def _adapted(self, conditions: Sequence[Condition | None]) -> AbstractContextManager[None]:
        """Within, the denoiser has the LoRAs of these rows."""
        rows = [() if condition is None else condition.loras for condition in conditions]
        if not any(rows):
            return nullcontext()
        return adapted(self._bundle.family.denoiser_part, self._bundle.denoiser, self._bundle.adapters.loras, rows)

    def _in_slices(self, predict: Callable[[slice], tuple[Any, ...]], rows: int) -> list[Any]:
        """What `predict` gives for all rows; rows already predicted are kept when memory runs out on the way."""
        parts: list[tuple[Any, ...]] = []
        start = 0
        while start < rows:
            try:
                parts.append(predict(slice(start, start + self.max_rows)))
            except (torch.OutOfMemoryError, MemoryError) as error:
                if self.max_rows == 1:
                    raise ModelError("There is not enough memory to draw even one row of this size.") from error
                self.max_rows = max(1, min(self.max_rows, rows) // 2)
                logger.warning("Out of memory: from now on at most %d rows in one forward", self.max_rows)
                if self._bundle.device.type == "cuda":
                    torch.cuda.empty_cache()
                continue
            start += len(parts[-1][0])
        return [_joined(results) for results in zip(*parts, strict=True)]


def _joined(parts: Sequence[Any]) -> Any:
    """The rows of several forwards as those of one: tensors, or lists of rows of different shapes."""
    if len(parts) == 1:
        return parts[0]
    return torch.cat(list(parts)) if isinstance(parts[0], torch.Tensor) else list(chain.from_iterable(parts))


def _stacked(rows: Any) -> torch.Tensor:
    return rows if isinstance(rows, torch.Tensor) else torch.stack(rows)


def traced(bundle: Bundle, reusing: bool = False, recorder: Recorder | None = None) -> Predicts:
    """The family's forward, or those that keep the deep part over steps, as graphs; torch's own without a `recorder`.

    ValueError for families and devices that have none.
    """
    from model.traced import TracedUNet

    if not _recordable(bundle) or bundle.device.type != "cpu":
        raise ValueError("only UNets that read prompts and take no mask have a recorded graph, and only on the CPU")
    assert isinstance(bundle.family, TextUNet)
    example = bundle.condition(None)
    assert example is not None
    side = bundle.native_size[0] // bundle.pixels_per_latent
    return TracedUNet(bundle.family, example, side, reusing, recorder)


def exported_decoder(bundle: Bundle, graphs: Path | None) -> Decoder | None:
    """The autoencoder's decoder for onnxruntime, None where it cannot be had."""
    from model import exported

    example = torch.zeros(4, *bundle.latent_shape(Size(*bundle.native_size)))
    try:
        with torch.inference_mode():
            return exported.Decoder(lambda: bundle.vae, example, exported.OnnxRuntime(bundle.fingerprint, graphs))
    except Exception as error:  # whatever the exporter stumbles over, pictures are decoded without it
        logger.warning("Pictures are decoded as they were, onnx is not possible: %s", error)
        return None


def _recordable(bundle: Bundle) -> bool:
    return isinstance(bundle.family, TextUNet) and not bundle.family.takes_mask


def compiled(bundle: Bundle) -> Predicts:
    """The family with its repeated blocks compiled, warmed up for one row and for many. Shares the weights."""
    own = twin(bundle.denoiser)
    if not getattr(own, "_repeated_blocks", None):
        raise ValueError(f"{type(own).__name__} names no blocks to compile")
    own.compile_repeated_blocks(dynamic=True)
    parts = replace(bundle.parts, modules={**bundle.parts.modules, bundle.family.denoiser_part: own})
    family = type(bundle.family)(parts)
    family.pixels_per_latent = bundle.pixels_per_latent
    shape = bundle.latent_shape(Size(*bundle.native_size))
    for rows in (1, 2, 8):
        latents = torch.zeros((rows, *shape), device=bundle.device)
        family.predict(latents, torch.full((rows,), 500.0, device=bundle.device), [bundle.condition("")] * rows)
    return family
