"""The UNet's forward as a recorded graph, for the CPU: the same arithmetic without Python between the operations.

Three things cost time in a small UNet besides arithmetic. Python dispatches some thousand operations a step: recorded
once, the graph runs without it. What depends on the prompt alone, the keys and values of cross-attention and the pooled
embedding, is computed at every step: here it is an input of the graph, computed once per prompt. And the convolutions'
weights are brought into the processor's order each time: a recorder sees to that. There are two: `TorchScript` here,
and onnxruntime in `model.exported`, which is faster. `benchmarks/README.md` has the figures.
"""

import copy
import logging
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import torch
from torch.nn import functional

from model.families import Condition
from model.families.reuse import ReusingUNet
from model.families.unet import Added, TextUNet
from model.packed import pack

logger = logging.getLogger(__name__)

# How far a graph may be from the module it was recorded from before it is not trusted; the last bits are the rule.
_TOLERANCE = 1e-4

_EXAMPLE_ROWS = 8
"""Rows of the forward that is recorded, and that the weights are packed for: a guided grid."""

WHOLE, FULL, SHALLOW, PROMPT = "whole", "full", "shallow", "prompt"
"""The graphs of a UNet: as it is; with its deep part beside it, and with one of before; what it needs of a prompt."""

Share = tuple[torch.Tensor, ...]
"""What the graph needs of one prompt: what is added to the time embedding, the guidance if it is an input, and each
layer's keys and values."""


Graph = Callable[..., Any]
"""Tensors in, a tensor or a tuple of them out."""


@dataclass(frozen=True)
class Example:
    """What a graph is recorded from: `forward`, the `layers` that it calls, and `inputs`, an example of 8 rows."""

    forward: Graph
    layers: torch.nn.Module
    inputs: tuple[torch.Tensor, ...]


Size = tuple[int, int]
"""(h, w) of latents."""


class Recorder(Protocol):
    """A way to make a graph of a forward, and what is known of its graphs."""

    def prepare(self, unet: torch.nn.Module) -> None:
        """Change the modules of `unet`, whose weights have another owner too, to suit what runs the graph."""

    def record(self, name: str, example: Callable[[], Example]) -> Graph:
        """The graph called `name`, for any sizes. `example` is asked for only where it has to be made."""

    def trusted(self, name: str) -> Collection[Size]:
        """The sizes for which this graph was found true to its module, in this process or in one before."""

    def trust(self, name: str, size: Size) -> None:
        """Remember that it was."""


class TorchScript:
    """torch.jit: recorded in under a second, kept nowhere."""

    def prepare(self, unet: torch.nn.Module) -> None:
        """Pack the convolutions."""
        pack(unet)

    def record(self, name: str, example: Callable[[], Example]) -> Graph:
        """As `Recorder.record`."""
        made = example()
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the recorder warns of each size it reads; `_trust` checks what matters
            made.forward(*made.inputs)  # packs what is to be packed
            module = AsModule(made.forward, made.layers)
            graph: Graph = torch.jit.freeze(torch.jit.trace(module, made.inputs, check_trace=False))

        def run(*inputs: torch.Tensor) -> Any:
            # The optimiser would start over for every number of rows, and gains nothing on a CPU.
            with torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
                return graph(*inputs)

        return run

    def trusted(self, name: str) -> Collection[Size]:
        """None but those of this process, which `TracedUNet` has in mind itself."""
        return ()

    def trust(self, name: str, size: Size) -> None:
        """Nothing to keep: the graph ends with the process."""


class AsModule(torch.nn.Module):
    """A function as a module, which recorders want. `layers` is what it calls: weights need an owner in sight."""

    def __init__(self, function: Graph, layers: torch.nn.Module) -> None:
        super().__init__()
        self._function, self._layers = function, layers
        self.eval()

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self._function(*inputs)


class _TextUNetGraph:
    """A UNet whose cross-attention takes ready keys and values. Shares its weights with the original."""

    def __init__(self, unet: Any, recorder: Recorder, reusing: bool) -> None:
        shared: dict[int, Any] = {id(tensor): tensor for tensor in (*unet.parameters(), *unet.buffers())}
        self.unet = copy.deepcopy(unet, shared).eval()
        self.cross_attention = [
            layer for name, layer in self.unet.named_modules() if name.endswith("attn2") and hasattr(layer, "to_k")
        ]
        if not self.cross_attention or any(layer.norm_cross for layer in self.cross_attention):
            raise ValueError("this UNet's cross-attention is of another kind")
        self.has_addition = unet.config.addition_embed_type is not None
        self.has_guidance = bool(unet.config.time_cond_proj_dim)
        self._addition: torch.Tensor | None = None
        self._embed_addition = self.unet.get_aug_embed
        self.unet.get_aug_embed = lambda **_: self._addition
        for number, layer in enumerate(self.cross_attention):
            layer.set_processor(_ReadyKeys(self, number))
        self.ready: list[tuple[torch.Tensor, torch.Tensor]] = []
        recorder.prepare(self.unet)
        self._reusing = ReusingUNet(self.unet) if reusing else None

    def addition(self, hidden: torch.Tensor, added: Added) -> torch.Tensor:
        """What is added to the time embedding for one prompt (1, L, D): (1, T)."""
        embedded: torch.Tensor = self._embed_addition(
            emb=hidden, encoder_hidden_states=hidden, added_cond_kwargs=added or {}
        )
        return embedded

    def of_prompt(self, hidden: torch.Tensor) -> Share:
        """Each layer's keys and values (R, heads, L, d) of prompts (R, L, D); before them what is added to the time
        embedding (R, T), where that comes of the prompt alone."""
        share = [self.addition(hidden, None)] if self.unet.config.addition_embed_type == "text" else []
        for layer in self.cross_attention:
            for project in (layer.to_k, layer.to_v):
                heads = project(hidden).view(*hidden.shape[:2], layer.heads, -1)
                share.append(heads.transpose(1, 2).contiguous())
        return tuple(share)

    def whole(self, latents: torch.Tensor, timesteps: torch.Tensor, *share: torch.Tensor) -> torch.Tensor:
        """What the UNet predicts."""
        return self._call(self.unet, latents, timesteps, share)

    def full(
        self, latents: torch.Tensor, timesteps: torch.Tensor, *share: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What the UNet predicts, and its deep part."""
        assert self._reusing is not None
        return self._reusing(lambda unet: self._call(unet, latents, timesteps, share), None)

    def shallow(
        self, latents: torch.Tensor, timesteps: torch.Tensor, deep: torch.Tensor, *share: torch.Tensor
    ) -> torch.Tensor:
        """What the UNet's outermost level makes of a deep part from before."""
        assert self._reusing is not None
        return self._reusing(lambda unet: self._call(unet, latents, timesteps, share), deep)[0]

    def _call(self, unet: Any, latents: torch.Tensor, timesteps: torch.Tensor, share: Share) -> torch.Tensor:
        self._addition = share[0] if self.has_addition else None
        guidance = share[self.has_addition] if self.has_guidance else None
        keys_and_values = share[self.has_addition + self.has_guidance :]
        self.ready = list(pairwise(keys_and_values))[::2]
        nothing = keys_and_values[0][:, 0]  # a stand-in (R, L, d): no layer reads it
        output: torch.Tensor = unet(
            latents, timesteps, encoder_hidden_states=nothing, timestep_cond=guidance, return_dict=False
        )[0]
        return output.contiguous()


class _ReadyKeys:
    """Diffusers' attention (AttnProcessor2_0), except that keys and values are already there."""

    def __init__(self, graph: _TextUNetGraph, number: int) -> None:
        self._graph, self._number = graph, number

    def __call__(self, attention: Any, hidden_states: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        rows, length, _width = hidden_states.shape
        keys, values = self._graph.ready[self._number]
        queries = attention.to_q(hidden_states).view(rows, length, attention.heads, -1).transpose(1, 2)
        output = functional.scaled_dot_product_attention(queries, keys, values)
        output = attention.to_out[0](output.transpose(1, 2).reshape(rows, length, -1))
        return torch.div(output, attention.rescale_output_factor)


class TracedUNet:
    """Predicts what a TextUNet predicts. Raises at construction where this UNet cannot be recorded faithfully.

    reusing: record the forwards of `predict_reusing` and not that of `predict`.
    """

    def __init__(
        self,
        family: TextUNet,
        example: Condition,
        latent_side: int,
        reusing: bool = False,
        recorder: Recorder | None = None,
    ) -> None:
        recorder = recorder or TorchScript()
        self._family = family
        self._recorder, self._reusing = recorder, reusing
        self._shares: WeakKeyDictionary[Condition, dict[Any, Share]] = WeakKeyDictionary()
        self._stacked: tuple[Any, Sequence[Condition | None], Share] | None = None
        self._checked = FULL if reusing else WHOLE
        self._trusted: dict[Size, bool] = dict.fromkeys(recorder.trusted(self._checked), True)
        latents = torch.zeros(_EXAMPLE_ROWS, family.latent_channels, latent_side, latent_side)
        timesteps = torch.full((_EXAMPLE_ROWS,), 500.0)
        examples = [example] * _EXAMPLE_ROWS

        def inputs() -> tuple[torch.Tensor, ...]:
            return latents, timesteps, *self._stack(examples, (latent_side, latent_side))

        def shallow() -> Example:
            first, second, *share = inputs()
            deep = self._full(first, second, *share)[1]
            return Example(self._graph.shallow, self._graph.unet, (first, second, deep, *share))

        hidden = torch.stack([example.hidden] * _EXAMPLE_ROWS)
        self._of_prompt = recorder.record(PROMPT, lambda: Example(self._graph.of_prompt, self._graph.unet, (hidden,)))
        if reusing:
            self._full = recorder.record(FULL, lambda: Example(self._graph.full, self._graph.unet, inputs()))
            self._shallow = recorder.record(SHALLOW, shallow)
        else:
            self._whole = recorder.record(WHOLE, lambda: Example(self._graph.whole, self._graph.unet, inputs()))
        if not self._trust(latents + 0.5, timesteps, examples):
            raise ValueError("the recorded graph is not true to its module")

    @cached_property
    def _graph(self) -> _TextUNetGraph:
        """What graphs are recorded from; not needed where all of them were kept."""
        return _TextUNetGraph(self._family.denoiser, self._recorder, self._reusing)

    def predict(
        self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Sequence[Condition | None]
    ) -> torch.Tensor:
        """As `Family.predict`. A size seen for the first time is checked against the module itself."""
        if not self._trust(latents, timesteps, conditions):
            return self._family.predict(latents, timesteps, conditions)
        output: torch.Tensor = self._run(self._whole, latents, timesteps, conditions)
        return output.float()

    def predict_reusing(
        self,
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        conditions: Sequence[Condition | None],
        deep: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As `Reusing.predict_reusing`, checked as `predict`."""
        if not self._trust(latents, timesteps, conditions):
            return self._family.predict_reusing(latents, timesteps, conditions, deep)
        if deep is None:
            output, deep = self._run(self._full, latents, timesteps, conditions)
            return output.float(), deep
        return self._run(self._shallow, latents, timesteps, conditions, deep).float(), deep

    def _run(
        self,
        recorded: Callable[..., Any],
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        conditions: Sequence[Condition | None],
        *deep: torch.Tensor,
    ) -> Any:
        height, width = latents.shape[-2:]
        share = self._stack(conditions, (height, width))
        return recorded(latents, timesteps, *deep, *share)

    def _trust(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Sequence[Condition | None]) -> bool:
        height, width = latents.shape[-2:]
        if (height, width) not in self._trusted:
            self._trusted[height, width] = self._is_true(latents, timesteps, conditions)
            if self._trusted[height, width]:
                self._recorder.trust(self._checked, (height, width))
        return self._trusted[height, width]

    def _is_true(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Sequence[Condition | None]) -> bool:
        """Whether the graphs give what the module gives."""
        inputs = latents, timesteps, conditions
        expected = self._family.predict(*inputs)
        try:
            if self._reusing:  # with the deep part of the very same step, the shallow forward gives the same
                full, deep = self._run(self._full, *inputs)
                predictions = [full, self._run(self._shallow, *inputs, deep)]
            else:
                predictions = [self._run(self._whole, *inputs)]
        except Exception as error:  # a size was read while recording, and this one is another
            logger.warning("Latents of %s go the plain way: %s", tuple(latents.shape[-2:]), error)
            return False
        furthest = max(float((prediction - expected).abs().max()) for prediction in predictions)
        return furthest <= _TOLERANCE * max(1.0, float(expected.abs().max()))

    def _stack(self, conditions: Sequence[Condition | None], size: tuple[int, int]) -> Share:
        """The rows' shares as one batch, kept while the batch has the same members."""
        key = (size, *map(id, conditions))
        if self._stacked is None or self._stacked[0] != key:
            shares = [self._share(condition, size) for condition in conditions if condition is not None]
            self._stacked = (key, conditions, tuple(torch.cat(parts) for parts in zip(*shares, strict=True)))
        return self._stacked[2]

    def _share(self, condition: Condition, size: tuple[int, int]) -> Share:
        known = self._shares.setdefault(condition, {})
        if size not in known:
            hidden, guidance = condition.hidden.unsqueeze(0), self._family.embedded_guidance([condition])
            addition: Share = ()
            keys_and_values = self._of_prompt(hidden)
            if self._family.config.addition_embed_type == "text":
                addition, keys_and_values = keys_and_values[:1], keys_and_values[1:]
            elif self._family.config.addition_embed_type is not None:
                addition = (self._graph.addition(hidden, self._family.added([condition], size)),)
            known[size] = (*addition, *([] if guidance is None else [guidance]), *keys_and_values)
        return known[size]
