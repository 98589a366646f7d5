"""ControlNet (Zhang et al. 2023, arXiv 2302.05543): a second encoder that sees a picture of edges, depth or segments,
for some rows of a batch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from model.errors import ModelError
from model.family import Condition
from model.folders import Reader, check_numbers, read_json

_SAME = ("cross_attention_dim", "block_out_channels", "addition_embed_type", "layers_per_block")


def read_controlnet(folder: Path, unet: Any, dtype: torch.dtype) -> Any:
    """A ControlNetModel from its folder. ModelError when it is damaged or was trained for another UNet."""
    if folder.is_file():
        raise ModelError(f"The ControlNet {folder} is a file: name a folder that has its config beside the weights.")
    name = read_json(folder, "config.json").get("_class_name")
    controlnet = Reader(folder.parent, {folder.name: str(name)}, "", dtype).weights(
        folder.name, {"ControlNetModel"}, "diffusers"
    )
    for setting in _SAME:
        theirs, ours = (_plain(module.config.get(setting)) for module in (controlnet, unet))
        if theirs != ours:
            raise ModelError(
                f"The ControlNet {folder} was trained for another model: its {setting} is {theirs}, this one's {ours}."
            )
    check_numbers(dict(controlnet.named_parameters()), f"ControlNet {folder}")
    return controlnet.eval().requires_grad_(False)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def residuals(
    controlnets: Mapping[str, Any],
    rows: Sequence[Condition],
    latents: torch.Tensor,
    timesteps: torch.Tensor,
    inputs: Mapping[str, Any],
) -> dict[str, Any]:
    """What the UNet's forward takes of all ControlNets: zeros on the rows that use none.

    latents: (R, C, h, w). inputs: the prompts and what goes with them, as the UNet takes them.
    """
    total: list[torch.Tensor] = []
    for name in sorted({control.name for row in rows for control in row.controls}):
        uses = [(place, control) for place, row in enumerate(rows) for control in row.controls if control.name == name]
        chosen = torch.tensor([place for place, _ in uses], device=latents.device)
        added = inputs["added_cond_kwargs"]
        down, middle = controlnets[name](
            latents[chosen],
            timesteps[chosen],
            encoder_hidden_states=inputs["encoder_hidden_states"][chosen],
            controlnet_cond=torch.stack([control.hint for _, control in uses]).to(latents.dtype),
            added_cond_kwargs=None if added is None else {key: value[chosen] for key, value in added.items()},
            return_dict=False,
        )
        scales = torch.tensor([control.scale for _, control in uses]).to(latents).view(-1, 1, 1, 1)
        outputs = [output * scales for output in (*down, middle)]
        if not total:
            total = [output.new_zeros(len(latents), *output.shape[1:]) for output in outputs]
        total = [sum_.index_add(0, chosen, output) for sum_, output in zip(total, outputs, strict=True)]
    if not total:
        return {}
    return {"down_block_additional_residuals": tuple(total[:-1]), "mid_block_additional_residual": total[-1]}
