"""Forwards as ONNX graphs, run by onnxruntime on the CPU: the same arithmetic, planned for the whole graph at once.

A graph is exported once and kept on disk under the fingerprint of its weights, so that the next process has it at
once. torch goes on to own everything else; numpy views pass between the two without a copy. `benchmarks/README.md` has
the figures.
"""

from __future__ import annotations

import io
import json
import logging
import os
import threading
import warnings
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from model.autoencoders import codec
from model.traced import AsModule, Example, Graph, Size

logger = logging.getLogger(__name__)

DECODER, TEXT = "decoder", "text"
"""The names of their graphs."""

_TOLERANCE = 1e-4
"""How far pixels of -1..1 may be from the module's: a hundredth of one of 255 levels."""
_OPSET = 17
_INPUT = "in"
_EXPORTING = threading.Lock()
"""torch's exporter keeps its state in globals: of two at once, which two models loaded at a time can be, one fails."""
_NOTES = "notes.json"
_NOTING = threading.RLock()
"""A note is added to those there are."""
_LAYOUT = 2
"""Counts the ways in which this file and `model.traced` have laid out their graphs: an older one is made again."""


class OnnxRuntime:
    """A `model.traced.Recorder`. `key` names the weights; `folder` is where graphs are kept, None for nowhere.

    Beside them lies a file of notes: what was found out about them, or about the model, that the next process need not
    find out again.
    """

    def __init__(self, key: str, folder: Path | None = None) -> None:
        self._key = f"{key}-{_LAYOUT}-torch{torch.__version__}-onnxruntime{onnxruntime.__version__}"
        self._folder = folder

    def has(self, *names: str) -> bool:
        """Whether graphs of these names lie ready."""
        return self._folder is not None and all(self._file(self._folder, name).is_file() for name in names)

    def prepare(self, unet: torch.nn.Module) -> None:
        """Nothing: onnxruntime orders weights by itself."""

    def record(self, name: str, example: Callable[[], Example]) -> Graph:
        """As `Recorder.record`. A file that cannot be used is made again; one that cannot be kept is not missed."""
        file = None if self._folder is None else self._file(self._folder, name)
        if file is not None and file.is_file():
            try:
                return session(file)
            except Exception as error:  # onnxruntime's errors have no common root
                logger.warning("%s cannot be used and is made again: %s", file, error)
        made = example()
        graph = export(AsModule(made.forward, made.layers), made.inputs)
        if file is not None:
            _keep(file, graph)
        return session(graph)

    def trusted(self, name: str) -> Collection[Size]:
        """As `Recorder.trusted`."""
        return [(height, width) for height, width in self.noted(name) or []]

    def trust(self, name: str, size: Size) -> None:
        """As `Recorder.trust`."""
        with _NOTING:
            self.note(name, sorted({*self.trusted(name), size}))

    def noted(self, name: str) -> Any:
        """What was noted under this name; None where nothing was."""
        return self._notes().get(name)

    def note(self, name: str, what: Any) -> None:
        """Keep something that JSON can say. Of two processes that note at a time one may forget the other's notes,
        which then are found out again."""
        with _NOTING:
            self.keep(_NOTES, json.dumps({**self._notes(), name: what}).encode())

    def _notes(self) -> dict[str, Any]:
        """Empty where there are none, or none that can be read."""
        try:
            notes = json.loads(self.kept(_NOTES) or b"{}")
        except ValueError:
            return {}
        return notes if isinstance(notes, dict) else {}

    def kept(self, name: str) -> bytes | None:
        """The content of a file that was kept beside the graphs; None where there is none."""
        try:
            return None if self._folder is None else (self._folder / f"{self._key}-{name}").read_bytes()
        except OSError:
            return None

    def keep(self, name: str, content: bytes) -> None:
        """Keep a file beside the graphs."""
        if self._folder is not None:
            _keep(self._folder / f"{self._key}-{name}", content)

    def _file(self, folder: Path, name: str) -> Path:
        return folder / f"{self._key}-{name}.onnx"


class Decoder:
    """A `model.vae.Decoder`: an autoencoder's decoder as a graph. Each size is compared with the module once, which
    serves where they differ.

    Raises at construction where it cannot be exported.
    """

    def __init__(self, vae: Callable[[], Any], latents: torch.Tensor, runtime: OnnxRuntime) -> None:
        """vae: gives the autoencoder, which may be asleep. latents: an example of the usual size, (n, C, h, w)."""
        self._vae, self._runtime = vae, runtime
        self._graph = runtime.record(DECODER, lambda: Example(self._plain, vae(), (latents,)))
        self._trusted: dict[Size, bool] = dict.fromkeys(runtime.trusted(DECODER), True)
        self._trust(latents)

    def __call__(self, latents: torch.Tensor) -> torch.Tensor:
        """As `model.vae.Decoder`."""
        pixels: torch.Tensor = self._graph(latents) if self._trust(latents) else self._plain(latents)
        return pixels

    def _trust(self, latents: torch.Tensor) -> bool:
        height, width = latents.shape[-2:]
        if (height, width) not in self._trusted:
            self._trusted[height, width] = self._is_true(latents)
            if self._trusted[height, width]:
                self._runtime.trust(DECODER, (height, width))
        return self._trusted[height, width]

    def _plain(self, latents: torch.Tensor) -> torch.Tensor:
        vae = self._vae()
        return codec(vae).decode(vae, latents)

    def _is_true(self, latents: torch.Tensor) -> bool:
        try:
            return float((self._graph(latents) - self._plain(latents)).abs().max()) <= _TOLERANCE
        except Exception as error:  # onnxruntime's errors have no common root
            logger.warning("Latents of %s are decoded the plain way: %s", tuple(latents.shape[1:]), error)
            return False


def export(module: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> bytes:
    """The ONNX graph of `module`, for any number of rows and any size. Raises what the exporter stumbles over."""
    names = [f"{_INPUT}{number}" for number in range(len(inputs))]
    free = {
        name: {axis: f"{name}_{axis}" for axis in range(tensor.dim())}
        for name, tensor in zip(names, inputs, strict=True)
    }
    buffer = io.BytesIO()
    with _EXPORTING, torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of each size it reads: who uses a graph compares it with its module
        torch.onnx.export(
            module,
            tuple(inputs),
            buffer,  # type: ignore[arg-type]  # takes a file, says its documentation
            input_names=names,
            dynamic_axes=free,
            opset_version=_OPSET,
            dynamo=False,
        )
    return buffer.getvalue()


def session(graph: bytes | Path) -> Graph:
    """What runs an ONNX graph: tensors in (any layout), one tensor or a tuple of them out."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others have work to do meanwhile
    options.log_severity_level = 3  # its warnings are about names of nodes
    runtime = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    # An input that the graph does not need is none of it.
    needed = {entry.name: int(entry.name.removeprefix(_INPUT)) for entry in runtime.get_inputs()}

    def run(*inputs: torch.Tensor) -> Any:
        outputs = runtime.run(
            None, {name: np.ascontiguousarray(inputs[place].numpy()) for name, place in needed.items()}
        )
        tensors = tuple(map(torch.from_numpy, outputs))
        return tensors[0] if len(tensors) == 1 else tensors

    return run


def _keep(file: Path, content: bytes) -> None:
    """Whole or not at all; a folder that takes no files costs the next process its time, nothing else."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(file)
    except OSError as error:
        logger.warning("%s cannot be kept: %s", file, error.strerror)
