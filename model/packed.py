"""Convolutions for the CPU with their weights laid out once, instead of at every call.

oneDNN has its own order for a convolution's weights and brings them into it each time; and it is faster where channels
come last, which then saves the turning to and fro around every attention as well. `benchmarks/README.md` has the
figures. The arithmetic is the same in another order: results differ in the last bits.
"""

from typing import Any

import torch


def pack(module: torch.nn.Module) -> None:
    """Replace, within `module`, all convolutions that can be packed; does nothing where torch has no oneDNN."""
    if not torch.backends.mkldnn.is_available():
        return
    for parent in list(module.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) is torch.nn.Conv2d and _can_be_packed(layer):
                setattr(parent, name, PackedConvolution(layer))


def _can_be_packed(layer: torch.nn.Conv2d) -> bool:
    plain = layer.padding_mode == "zeros" and not isinstance(layer.padding, str) and layer.groups == 1
    return plain and layer.weight.device.type == "cpu" and layer.weight.dtype is torch.float32


class PackedConvolution(torch.nn.Module):
    """Packed at the first call, for inputs of about that size; others are as right, if perhaps not as fast.

    Call it once before it is recorded: a recorder would take the packing for a part of the forward.
    """

    def __init__(self, layer: torch.nn.Conv2d) -> None:
        super().__init__()
        self.in_channels, self.out_channels = layer.in_channels, layer.out_channels
        self._layer = (layer,)  # not as a child: the weights have an owner
        self._packed: Any = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(R, C, H, W) of any layout -> (R, D, H', W'), channels last."""
        x = x.contiguous(memory_format=torch.channels_last)
        if self._packed is None:
            self._packed = _packed(self._layer[0], list(x.shape))
        output: torch.Tensor = torch.ops.mkldnn_prepacked.conv2d_run(x, self._packed)
        return output


def _packed(layer: torch.nn.Conv2d, input_shape: list[int]) -> Any:
    weight = layer.weight.contiguous(memory_format=torch.channels_last)
    sides = [list(pair) for pair in (layer.stride, layer.padding, layer.dilation)]
    return torch.ops.mkldnn_prepacked.conv2d_prepack(weight, layer.bias, *sides, layer.groups, input_shape, "none")
