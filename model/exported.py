"""Forwards as ONNX graphs, run by onnxruntime on the CPU: the same arithmetic, planned for the whole graph at once.

A graph is exported once and kept on disk under the fingerprint of its weights, so that the next process has it at
once. torch goes on to own everything else; numpy views pass between the two without a copy. `benchmarks/README.md` has
the figures.
"""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from model.traced import AsModule, Graph

logger = logging.getLogger(__name__)

DECODER = "decoder"
"""The name of its graph."""

_TOLERANCE = 1e-4
"""How far pixels of -1..1 may be from the module's: a hundredth of one of 255 levels."""
_OPSET = 17
_INPUT = "in"
_LAYOUT = 1
"""Counts the ways in which this file and `model.traced` have laid out their graphs: an older one is made again."""


class OnnxRuntime:
    """A `model.traced.Recorder`. `key` names the weights; `folder` is where graphs are kept, None for nowhere."""

    def __init__(self, key: str, folder: Path | None = None) -> None:
        self._key = f"{key}-{_LAYOUT}-torch{torch.__version__}"
        self._folder = folder

    def has(self, *names: str) -> bool:
        """Whether graphs of these names lie ready."""
        return self._folder is not None and all(self._file(self._folder, name).is_file() for name in names)

    def prepare(self, unet: torch.nn.Module) -> None:
        """Nothing: onnxruntime orders weights by itself."""

    def record(self, name: str, forward: Graph, layers: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> Graph:
        """As `Recorder.record`. A file that cannot be used is made again; one that cannot be kept is not missed."""
        file = None if self._folder is None else self._file(self._folder, name)
        if file is not None and file.is_file():
            try:
                return session(file.read_bytes())
            except Exception as error:  # onnxruntime's errors have no common root
                logger.warning("%s cannot be used and is made again: %s", file, error)
        graph = export(AsModule(forward, layers), inputs)
        if file is not None:
            _keep(file, graph)
        return session(graph)

    def _file(self, folder: Path, name: str) -> Path:
        return folder / f"{self._key}-{name}.onnx"


class Decoder:
    """An autoencoder's decoder as a graph. Each size is compared with the module once, which serves where they differ.

    Raises at construction where it cannot be exported.
    """

    def __init__(self, vae: Any, latents: torch.Tensor, runtime: OnnxRuntime) -> None:
        """latents: an example, (n, C, h, w)."""
        self._vae = vae
        self._graph = runtime.record(DECODER, self._plain, vae, (latents,))
        self._trusted: dict[torch.Size, bool] = {}

    def __call__(self, latents: torch.Tensor) -> torch.Tensor:
        """Unscaled latents (n, C, h, w) -> pixels (n, 3, H, W) in about -1..1."""
        size = latents.shape[1:]
        if size not in self._trusted:
            self._trusted[size] = self._is_true(latents)
        return self._graph(latents) if self._trusted[size] else self._plain(latents)

    def _plain(self, latents: torch.Tensor) -> torch.Tensor:
        pixels: torch.Tensor = self._vae.decode(latents, return_dict=False)[0]
        return pixels

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
    with torch.no_grad(), warnings.catch_warnings():
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


def session(graph: bytes) -> Graph:
    """What runs an ONNX graph: float tensors in (any layout), one tensor or a tuple of them out."""
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


def _keep(file: Path, graph: bytes) -> None:
    """Whole or not at all; a folder that takes no files costs the next process its time, nothing else."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(graph)
        beside.replace(file)
    except OSError as error:
        logger.warning("A graph cannot be kept as %s: %s", file, error.strerror)
