"""From a job to its plan: the one place where flags become sizes, steps and scales, and where a model refuses them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import fields, replace

from contract.actions import Under
from contract.catalogue import Model
from contract.errors import UserError
from contract.jobs import Job, Request
from contract.layout import MAX_GROWTH, MAX_RATIO, NATIVE, Extent, ratio_of, too_large, too_long
from contract.plan import By, Plan, Steer
from contract.prompt import Parameters, Prompt, flag_as_typed
from contract.prompt.links import called, lasting
from contract.steering import STEERED, steers

MAX_PICTURES = 8
"""Pictures that a prompt may link to."""

HD_PIXELS = 4
"""`--hd` draws so many times the pixels: twice the side."""

LEAST_SHARE = 0.4
"""A part of a picture is drawn with this share of a whole picture's pixels at least: with fewer, models see nothing."""

LEAST_PIXELS = 64 * 64
"""And with so many pixels at least, or as many as the model draws: small models need all of them, or what they paint
into a small part comes out in pieces."""

_WHOLE = 0.9
"""What has this share of a whole picture's pixels is one: sides are rounded."""

MOST_GROWN = 2
"""Of models that want a shortest side, pictures twice as long as wide have so many times the pixels of a square; of
longer ones no side could be as long as that."""

_LAID_OUT = 3
"""A map of areas shows about so many things, each of which is drawn by itself before all is drawn over."""

_EXPERIMENTAL_GUIDANCE, _EXPERIMENTAL_WEIRD = 1.5, 0.3
"""What `--exp 100` makes of guidance, and how far it goes off the beaten track."""
_DRAFT_STEPS = 0.4
_ALWAYS_HONOURED = frozenset(
    {"seed", "repeat", "speed", "visibility", "version", "niji", "sd", "sampler"},
)


def plan(job: Job, model: Model) -> Plan:
    """The numbers of `job` on `model`. UserError as `check`, and `kind_not_supported` when it does no such jobs."""
    if job.request.words_alone:
        job = replace(job, prompt=job.prompt.words_alone())
    prompt, parameters = job.prompt, job.prompt.parameters
    check(prompt, model, job.request)
    check_ability(job.request.kind, job.request.needs, model)
    check_growth(job.extent)
    width, height = _drawn_size(job, model)
    steered = steers(prompt, model)
    student = model.student if _suits_student(job, steered) else None
    steps = _steps(job, model) if student is None else student.num_inference_steps
    stop_at = (parameters.stop or 100) / 100
    # A student's step asks the denoiser once and not twice.
    work = steps if student is None else steps / 2
    return Plan(
        width=width,
        height=height,
        num_inference_steps=steps,
        guidance_scale=_guidance_scale(parameters, model) if student is None else 1.0,
        sampler=(parameters.sampler or model.sampler) if student is None else student.sampler,
        chaos=(parameters.chaos or 0) / 100,
        weird=max((parameters.weird or 0) / 3000, _EXPERIMENTAL_WEIRD * (parameters.experimental or 0) / 100),
        stop_at=stop_at,
        tile=parameters.tile and not job.request.from_picture,
        steers=steered,
        student=student is not None,
        cost=_effort(job, model, steered) * width * height / 1e6 * max(1, round(work * stop_at)),
    )


def check(prompt: Prompt, model: Model, request: Request) -> None:
    """Refuse what `model` cannot honour in such a job: UserError `parameter_not_supported`, `sampler_not_offered`,
    `ratio_too_extreme`, `link_refused`, `duplicate_images`, `map_not_supported`, or as `contract.steering.steers`."""
    for name in _set_fields(prompt.parameters):
        if name not in _ALWAYS_HONOURED | STEERED and name not in model.honours:
            raise UserError(
                "parameter_not_supported", parameter=flag_as_typed(prompt, name), field=name, model=model.title
            )
    if prompt.parameters.style not in (None, "raw"):
        raise UserError(
            "parameter_not_supported", parameter=f"--style {prompt.parameters.style}", field="style", model=model.title
        )
    sampler = prompt.parameters.sampler
    if sampler is not None and sampler not in model.choices:
        offered = ", ".join(model.choices)
        raise UserError("sampler_not_offered", sampler=sampler, model=model.title, offered=offered, field="sampler")
    if len(prompt.links) > MAX_PICTURES:
        link = called(prompt.links[MAX_PICTURES])
        raise UserError("link_refused", link=link, reason="too_many", limit=MAX_PICTURES)
    if any(len(set(map(lasting, links))) < len(links) for links in prompt.different_links):
        raise UserError("duplicate_images")
    # Each of its small pictures would have to be laid out thing by thing.
    if any(steer.by is By.AREAS for steer in steers(prompt, model)) and request.under is Under.SHEET:
        raise UserError("map_not_supported", reason="sheet", model=model.title, field="structure")
    width, height = aspect = prompt.parameters.aspect or (1, 1)
    if too_long(aspect):
        raise UserError("ratio_too_extreme", ratio=f"{width}:{height}", model=model.title, limit=MAX_RATIO)


def awaits_shape(job: Job) -> bool:
    """Whether its pictures take the shape of the one that they change, which is known when that is there."""
    parameters = job.prompt.parameters
    return bool(parameters.edit) and parameters.aspect is None and job.request.takes_ratio


def shaped(job: Job, width: int, height: int, model: Model) -> Job:
    """`job` in the shape of the picture that it changes, of so many pixels, with a plan for that: it costs the same, as
    a model draws about as many pixels in every shape, or up to `MOST_GROWN` times as many. The echo stays as it was
    posted. UserError as `plan`."""
    said = job.prompt.parameters
    parameters = replace(said, aspect=ratio_of(width, height, hd=said.hd))
    made = replace(job, prompt=replace(job.prompt, parameters=parameters))
    return replace(made, plan=plan(made, model))


def check_ability(kind: str, needs: frozenset[str], model: Model) -> None:
    """UserError `kind_not_supported` when `model` cannot do jobs of a kind that needs this of it."""
    if not needs <= model.honours:
        raise UserError("kind_not_supported", action=kind, model=model.title)


def _drawn_size(job: Job, model: Model) -> tuple[int, int]:
    """What is drawn at once: as much as the model draws well, or less where less is asked for."""
    drawn = job.request.drawn(job.source_extent, job.prompt.parameters.aspect)
    part = drawn[0] * drawn[1] / NATIVE**2
    share = min(1.0, max(LEAST_SHARE, LEAST_PIXELS / model.pixels, part))
    if job.prompt.parameters.hd and not job.request.from_picture:
        share *= HD_PIXELS
    side = model.shortest_side if part > _WHOLE else 0  # a part of a picture has pixels enough
    return fit_size(replace(model, pixels=round(model.pixels * share), shortest_side=side), *drawn)


def check_growth(extent: Extent) -> None:
    """UserError `picture_too_long` or `picture_too_large` when a picture of this size is more than is sensible."""
    if too_long(extent):
        raise UserError("picture_too_long", limit=MAX_RATIO)
    if too_large(extent):
        raise UserError("picture_too_large", limit=MAX_GROWTH)


def fit_size(model: Model, ratio_width: int, ratio_height: int) -> tuple[int, int]:
    """Width and height in pixels nearest to a ratio, multiples of `size_multiple`: of about `model.pixels` in all, or
    of up to `MOST_GROWN` times as many, where the model wants no side shorter than `shortest_side`."""
    width = math.sqrt(model.pixels * ratio_width / ratio_height)
    height = model.pixels / width
    grown = max(1.0, model.shortest_side / min(width, height))
    if grown**2 < MOST_GROWN + 0.01:
        width, height = width * grown, height * grown
    step = model.size_multiple
    return max(step, round(width / step) * step), max(step, round(height / step) * step)


def _steps(job: Job, model: Model) -> int:
    """`--quality` buys GPU time where the kind takes it; above 1 with diminishing steps. `--draft` takes two fifths, of
    a kind in fewer steps as it is too: with still fewer there would be little to see."""
    parameters = job.prompt.parameters
    quality = parameters.quality if job.request.takes_quality and parameters.quality is not None else 1.0
    factor = quality if quality <= 1 else math.sqrt(quality)
    steps = model.choices[parameters.sampler or model.sampler]
    return max(1, round(steps * factor * min(job.request.step_share, _DRAFT_STEPS if parameters.draft else 1)))


def _effort(job: Job, model: Model, steered: Iterable[Steer]) -> float:
    """What its kind takes, and more where its pictures are laid out by a map, which nobody has looked at yet."""
    request = job.request
    laid_out = any(steer.by is By.AREAS for steer in steered) and not (request.from_picture or request.composed)
    return request.effort(job.source_extent, model) * (_LAID_OUT if laid_out else 1)


def _suits_student(job: Job, steered: Iterable[Steer]) -> bool:
    """Whether a few-step student may draw it: asked for with `--draft` or `--turbo`, drawn from noise, and without what
    works by guidance, by the number of steps or by adapters, which were made for the model itself."""
    prompt, parameters = job.prompt, job.prompt.parameters
    guided = prompt.negatives or len(prompt.parts) > 1 or parameters.stylize not in (None, 100) or parameters.raw
    adapted = any(steer.by is not By.STYLE for steer in steered)
    said = (parameters.quality, parameters.stop, parameters.sampler, parameters.experimental)
    stepped = any(value is not None for value in said)
    asked = parameters.draft or parameters.speed == "turbo"
    from_noise = job.request.from_noise(job.ancestors)
    return asked and from_noise and not (guided or stepped or parameters.style or adapted)


def _guidance_scale(parameters: Parameters, model: Model) -> float:
    """`--stylize` 100 is the model's own guidance, 0 takes 60 % of it, 1000 takes 160 %; raw style takes 65 %.
    The higher `--exp`, the less of `--stylize` counts."""
    stylize = 100 if parameters.stylize is None else parameters.stylize
    factor = 0.6 + 0.4 * stylize / 100 if stylize <= 100 else 1 + 0.6 * math.log10(stylize / 100)
    share = (parameters.experimental or 0) / 100
    factor += share * (_EXPERIMENTAL_GUIDANCE - factor)
    raw = parameters.raw or parameters.style == "raw"
    return max(1.0, model.guidance_scale * factor * (0.65 if raw else 1))


def _set_fields(parameters: Parameters) -> Iterable[str]:
    for field in fields(parameters):
        if getattr(parameters, field.name) != field.default:
            yield field.name
