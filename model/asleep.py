"""A model whose parts stay on the disk until something needs them.

Where a process before this one has exported all that drawing from words needs (`model.exported`), the graphs draw, and
nobody has to import the libraries that the model's modules come from, or to hold weights twice. The parts wake up, all
at once, when somebody asks for one of them: to read a picture, for a tile, for a size that was never drawn before.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from tokenizers import Tokenizer

from model.clip import ClipText, clip_tokens
from model.components import Bundle
from model.errors import ModelError
from model.exported import DECODER, TEXT, OnnxRuntime
from model.families import FAMILIES, Parts
from model.previews import Previewer
from model.traced import PROMPT, Example

logger = logging.getLogger(__name__)

_PARTS = ("unet", "vae", "text_encoder", "tokenizer")
_NOTE = "model"
_TOKENIZER = "tokenizer.json"
_TOLERANCE = 1e-4
"""How far numbers of an encoded prompt, which are about 1, may be from the encoder's own."""


def prepare(bundle: Bundle, graphs: Path) -> None:
    """Keep beside its graphs what the next process needs to leave this model's parts asleep.

    Does nothing for families whose text encoder has no graph, nor where all is there already.
    """
    runtime, text = OnnxRuntime(bundle.fingerprint, graphs), bundle.text
    if runtime.noted(_NOTE) is not None or not isinstance(text, ClipText) or bundle.family.name != "stable-diffusion":
        return
    [tokenizer], [encoder] = text.tokenizers, text.encoders
    example = clip_tokens(tokenizer, "a red apple")
    try:
        with torch.inference_mode():
            expected = encoder(example)[0]
            graph = runtime.record(TEXT, lambda: Example(lambda tokens: encoder(tokens)[0], encoder, (example,)))
            furthest = float((graph(example) - expected).abs().max())
    except Exception as error:  # whatever the exporter stumbles over, the encoder itself goes on
        logger.warning("The text encoder stays as it is, onnx is not possible: %s", error)
        return
    if furthest > _TOLERANCE or bundle.previewer.map is None:
        return
    runtime.keep(_TOKENIZER, tokenizer.backend_tokenizer.to_str().encode())
    if bundle.student is not None:
        OnnxRuntime(bundle.student.fingerprint, graphs).note(_NOTE, {"unet": _plain(bundle.student.denoiser.config)})
    note = {
        "unet": _plain(bundle.denoiser.config),
        "family": bundle.family.name,
        "scheduler": _plain(bundle.parts.scheduler),
        "settings": _plain(bundle.parts.settings),
        "pixels_per_latent": bundle.pixels_per_latent,
        "previewer": [values.tolist() for values in bundle.previewer.map],
        "tokenizer": {name: getattr(tokenizer, name) for name in _Tokens.facts},
    }
    runtime.note(_NOTE, note)


def sleeping(folder: Path, fingerprint: str, student: str, graphs: Path, load: Callable[[], Bundle]) -> Bundle | None:
    """The model in this folder with its parts asleep, on the processor; None where not all is there that it needs.

    student: the folder of its student in it, empty for none. load: loads it with all its parts.
    """
    runtime, beside = OnnxRuntime(fingerprint, graphs), OnnxRuntime(f"{fingerprint}-student", graphs)
    note, tokenizer = runtime.noted(_NOTE), runtime.kept(_TOKENIZER)
    taught = beside.noted(_NOTE) if student else None
    if not note or tokenizer is None or not runtime.has(PROMPT, DECODER, TEXT) or bool(student) != bool(taught):
        return None
    wake = _Once(folder, fingerprint, load)
    words = {
        "tokenizer": _Tokens(tokenizer, folder / "tokenizer", note["tokenizer"]),
        "text_encoder": _Encoder(runtime),
    }

    def bundle(name: str, unet: Mapping[str, Any], modules: Callable[[], Mapping[str, Any]]) -> Bundle:
        configs = {"unet": SimpleNamespace(**unet)}
        parts = Parts(_Asleep(words, modules), note["scheduler"], note["settings"], configs)
        kind = FAMILIES[note["family"]]
        made = Bundle(kind(parts), parts, kind.text(parts), name, pixels_per_latent=note["pixels_per_latent"])
        weights, bias = (torch.tensor(values) for values in note["previewer"])
        made.previewer = Previewer(made.pixels_per_latent, (weights, bias))
        return made

    def students() -> Mapping[str, Any]:
        awake = wake().student
        assert awake is not None
        return awake.parts.modules

    whole = bundle(fingerprint, note["unet"], lambda: wake().parts.modules)
    if taught:
        whole.student = bundle(f"{fingerprint}-student", taught["unet"], students)
    return whole


class _Asleep(Mapping[str, Any]):
    """A model's parts by name; those that are not `ready` wake up when they are asked for."""

    def __init__(self, ready: Mapping[str, Any], wake: Callable[[], Mapping[str, Any]]) -> None:
        self._ready, self._wake = ready, wake

    def __getitem__(self, name: str) -> Any:
        if name in self._ready:
            return self._ready[name]
        if name not in _PARTS:
            raise KeyError(name)
        return self._wake()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_PARTS)

    def __len__(self) -> int:
        return len(_PARTS)


class _Once:
    """Loads a model when it is first called. Any thread may call."""

    def __init__(self, folder: Path, fingerprint: str, load: Callable[[], Bundle]) -> None:
        self._folder, self._fingerprint, self._load = folder, fingerprint, load
        self._lock = threading.Lock()
        self._awake: Bundle | None = None

    def __call__(self) -> Bundle:
        """ModelError where the files are no longer those that the graphs were made of."""
        with self._lock, torch.inference_mode(False):
            if self._awake is None:
                awake = self._load()
                if awake.fingerprint != self._fingerprint:
                    raise ModelError(f"The model in {self._folder} was changed meanwhile: start this process again.")
                logger.info("The parts of %s were needed and are awake", self._folder)
                self._awake = awake
        return self._awake


class _Tokens:
    """What `model.clip` asks of a tokenizer of transformers, by the library beneath it alone."""

    never_cuts = True
    """Nobody tells it to cut or to pad, so that two threads may use it at a time."""
    facts = ("model_max_length", "bos_token_id", "eos_token_id", "pad_token_id")
    model_max_length: int
    bos_token_id: int
    eos_token_id: int
    pad_token_id: int

    def __init__(self, content: bytes, folder: Path, facts: Mapping[str, int]) -> None:
        """content: of the tokenizer's file. folder: where the model has it."""
        self.backend_tokenizer = Tokenizer.from_str(content.decode())
        self.backend_tokenizer.no_truncation()
        self.backend_tokenizer.no_padding()
        self.name_or_path = str(folder)
        added = self.backend_tokenizer.get_added_tokens_decoder()
        self.added_tokens_encoder = {token.content: number for number, token in added.items()}
        for name in self.facts:
            setattr(self, name, facts[name])

    def __call__(self, text: str, *, add_special_tokens: bool, verbose: bool) -> SimpleNamespace:
        return SimpleNamespace(input_ids=self.backend_tokenizer.encode(text, add_special_tokens=add_special_tokens).ids)

    def tokenize(self, text: str) -> list[str]:
        tokens: list[str] = self.backend_tokenizer.encode(text, add_special_tokens=False).tokens
        return tokens


class _Encoder:
    """A CLIP text model as a graph."""

    device = torch.device("cpu")

    def __init__(self, runtime: OnnxRuntime) -> None:
        self._graph = runtime.record(TEXT, _gone)

    def __call__(self, tokens: torch.Tensor, output_hidden_states: bool = False) -> tuple[torch.Tensor]:
        """(1, L) -> the last layer (1, L, D)."""
        return (self._graph(tokens),)


def _gone() -> Example:
    raise ModelError("The text encoder's graph is gone or damaged.")


def _plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config of diffusers without what it says of its file."""
    return {name: value for name, value in config.items() if not name.startswith("_")}
