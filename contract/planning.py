"""From a job to its plan: the one place where flags become sizes, steps and scales, and where a model refuses them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import fields, replace

from contract.catalogue import Model
from contract.errors import UserError
from contract.jobs import Job
from contract.layout import MAX_GROWTH, NATIVE
from contract.plan import Plan
from contract.prompt import Parameters, Prompt, flag_as_typed
from contract.prompt.links import shortened

MAX_RATIO = 8
"""The longest side over the shortest that a model is asked for; beyond, pictures fall apart."""

MAX_PICTURES = 8
"""Pictures that a prompt may link to."""

LEAST_SHARE = 0.4
"""A part of a picture is drawn with this share of a whole picture's pixels at least: with fewer, models see nothing."""

_DRAFT_STEPS = 0.4
_ALWAYS_HONOURED = frozenset(
    {"seed", "repeat", "speed", "visibility", "version", "niji"},
)


def plan(job: Job, model: Model) -> Plan:
    """The numbers of `job` on `model`. UserError as `check`, and `kind_not_supported` when it does no such jobs."""
    prompt, parameters = job.prompt, job.prompt.parameters
    check(prompt, model)
    if not job.request.needs <= model.honours:
        raise UserError("kind_not_supported", action=job.request.kind, model=model.title)
    _check_growth(job)
    width, height = _drawn_size(job, model)
    steps, stop_at = _steps(job, model), (parameters.stop or 100) / 100
    return Plan(
        width=width,
        height=height,
        num_inference_steps=steps,
        guidance_scale=_guidance_scale(parameters, model),
        sampler=model.sampler,
        chaos=(parameters.chaos or 0) / 100,
        weird=(parameters.weird or 0) / 3000,
        stop_at=stop_at,
        tile=parameters.tile and not job.request.from_picture,
        image_weight=1.0 if parameters.image_weight is None else parameters.image_weight,
        cost=job.request.effort(job.source_extent) * width * height / 1e6 * max(1, round(steps * stop_at)),
    )


def check(prompt: Prompt, model: Model) -> None:
    """Refuse what `model` cannot honour: UserError `parameter_not_supported` or `ratio_too_extreme`."""
    for name in _set_fields(prompt.parameters):
        if name not in _ALWAYS_HONOURED and name not in model.honours:
            raise UserError(
                "parameter_not_supported", parameter=flag_as_typed(prompt, name), field=name, model=model.title
            )
    if prompt.parameters.style not in (None, "raw"):
        raise UserError(
            "parameter_not_supported", parameter=f"--style {prompt.parameters.style}", field="style", model=model.title
        )
    if prompt.images and "image_weight" not in model.honours:
        raise UserError("parameter_not_supported", reason="image_link", field="images", model=model.title)
    if len(prompt.images) > MAX_PICTURES:
        link = shortened(prompt.images[MAX_PICTURES].url)
        raise UserError("link_refused", link=link, reason="too_many", limit=MAX_PICTURES)
    width, height = prompt.parameters.aspect or (1, 1)
    if max(width, height) > MAX_RATIO * min(width, height):
        raise UserError("ratio_too_extreme", ratio=f"{width}:{height}", model=model.title, limit=MAX_RATIO)


def _drawn_size(job: Job, model: Model) -> tuple[int, int]:
    """What is drawn at once: as much as the model draws well, or less where less is asked for."""
    drawn = job.request.drawn(job.source_extent, job.prompt.parameters.aspect)
    share = min(1.0, max(LEAST_SHARE, drawn[0] * drawn[1] / NATIVE**2))
    return fit_size(replace(model, pixels=round(model.pixels * share)), *drawn)


def _check_growth(job: Job) -> None:
    """UserError when the result would be larger or longer than is sensible: memory and files are bounded by this."""
    width, height = job.extent
    if max(width, height) > MAX_RATIO * min(width, height):
        raise UserError("picture_too_long", limit=MAX_RATIO)
    if width * height > MAX_GROWTH * NATIVE**2:
        raise UserError("picture_too_large", limit=MAX_GROWTH)


def fit_size(model: Model, ratio_width: int, ratio_height: int) -> tuple[int, int]:
    """Width and height in pixels nearest to a ratio, of about `model.pixels` in all, multiples of `size_multiple`."""
    width = math.sqrt(model.pixels * ratio_width / ratio_height)
    height = model.pixels / width
    step = model.size_multiple
    return max(step, round(width / step) * step), max(step, round(height / step) * step)


def _steps(job: Job, model: Model) -> int:
    """`--quality` buys GPU time where the kind takes it; above 1 with diminishing steps. `--draft` takes two fifths."""
    parameters = job.prompt.parameters
    quality = parameters.quality if job.request.takes_quality and parameters.quality is not None else 1.0
    factor = quality if quality <= 1 else math.sqrt(quality)
    return max(1, round(model.num_inference_steps * factor * (_DRAFT_STEPS if parameters.draft else 1)))


def _guidance_scale(parameters: Parameters, model: Model) -> float:
    """`--stylize` 100 is the model's own guidance, 0 takes 60 % of it, 1000 takes 160 %; raw style takes 80 %."""
    stylize = 100 if parameters.stylize is None else parameters.stylize
    factor = 0.6 + 0.4 * stylize / 100 if stylize <= 100 else 1 + 0.6 * math.log10(stylize / 100)
    raw = parameters.raw or parameters.style == "raw"
    return max(1.0, model.guidance_scale * factor * (0.8 if raw else 1))


def _set_fields(parameters: Parameters) -> Iterable[str]:
    for field in fields(parameters):
        if getattr(parameters, field.name) != field.default:
            yield field.name
