"""What steers a picture beside its words, and by which of a model's means.

A person says what they want (links, `--lora`, `--sref`, `--cref`, `--oref`, `--map`, `--edit`); which means a model has
for it, the catalogue says. What it has no means for is done in the nearest way that it has, and that is said
(`remarks_on_means`), or refused with a sentence.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from contract.catalogue import Model
from contract.colours import colour_asked
from contract.errors import UserError
from contract.families import EDIT_ONLY, REFERENCES
from contract.plan import By, Steer
from contract.prompt import Prompt, Reference, flag_as_typed
from contract.remarks import Remark
from contract.styles import style_of

MAX_LORAS = 6
"""Each adds to every step of every picture."""

STEERED = frozenset(
    {"loras", "style_references", "style_weight", "style_version", "character_references", "character_weight"}
    | {"omni_reference", "omni_weight", "image_weight", "structure", "structure_kind", "structure_weight", "edit"}
)
"""The fields of `Parameters` that are understood here."""

_USUAL = 100
"""`--sw`, `--cw`, `--ow` and `--mw` count from 0; this is what they are when they are not there."""


def steers(prompt: Prompt, model: Model) -> tuple[Steer, ...]:
    """What steers the pictures of `prompt` on `model`. UserError names what the model has no means for."""
    found = (
        *_loras(prompt, model),
        *_images(prompt, model),
        *_styles(prompt, model),
        *_characters(prompt, model),
        *_edited(prompt, model),
        *_mapped(prompt, model),
    )
    looked_at = sum(steer.by is By.REFERENCE for steer in found)
    if looked_at > REFERENCES.get(model.family, looked_at):
        raise UserError("too_many_references", limit=REFERENCES[model.family], model=model.title)
    if model.family in EDIT_ONLY and not looked_at:
        raise UserError("nothing_to_edit", model=model.title)
    return tuple(steer for steer in found if steer.weight)


def remarks_on_means(prompt: Prompt, model: Model) -> tuple[Remark, ...]:
    """What is done in another way than the words say, because the model has no better."""
    found = []
    for field, steering in (("style_references", _styles), ("character", _characters)):
        if any(steer.by is By.START for steer in steering(prompt, model)):
            found.append(Remark(f"nearest_{field.partition('_')[0]}", {"model": model.title}))
    edits = [steer for steer in _edited(prompt, model) if steer.by is By.START]
    if edits and edits[0].name:
        found.append(Remark("nearest_edit_colour", {"model": model.title, "colour": edits[0].name}))
    elif edits:
        found.append(Remark("nearest_edit", {"model": model.title}))
    return tuple(found)


# ── LoRAs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _loras(prompt: Prompt, model: Model) -> Iterator[Steer]:
    """Each LoRA once: the first of two weights counts."""
    asked: dict[str, float] = {}
    for lora in prompt.parameters.loras:
        asked.setdefault(_lora(lora.value, model), lora.weight)
    if len(asked) > MAX_LORAS:
        raise UserError("too_many_loras", limit=MAX_LORAS, count=len(asked), field="loras")
    for name, weight in asked.items():
        yield Steer(By.LORA, name, weight=weight)


def _lora(asked: str, model: Model) -> str:
    """The LoRA of the catalogue that is meant: spelled so, or alike but for capitals, blanks and dashes."""
    if asked in model.loras:
        return asked
    alike = {_plain(name): name for name in model.loras}
    if _plain(asked) in alike:
        return alike[_plain(asked)]
    if not alike:
        raise UserError("lora_not_offered", reason="none", name=asked, model=model.title, field="loras")
    [nearest] = difflib.get_close_matches(_plain(asked), alike, n=1, cutoff=0.0)
    offered = ", ".join(sorted(model.loras))
    raise UserError(
        "lora_not_offered", name=asked, nearest=alike[nearest], offered=offered, model=model.title, field="loras"
    )


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


# ── pictures ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _images(prompt: Prompt, model: Model) -> Iterator[Steer]:
    """Links among the words: `--iw` says how much they count together, `::` how much each counts of that."""
    weight = prompt.parameters.image_weight
    weight = 1.0 if weight is None else weight
    pictures = tuple(Reference(image.url, 1.0 if image.weight is None else image.weight) for image in prompt.images)
    if not pictures and prompt.parameters.image_weight is not None and "image_weight" not in model.honours:
        raise _unable("image_weight", prompt, model)
    share = _share(weight) if prompt.parts else float(weight > 0)
    yield from _like(pictures, "images", "", share, weight, prompt, model)


def _styles(prompt: Prompt, model: Model) -> Iterator[Steer]:
    """`--sref`: numbers are words that the model reads, pictures are looked at for their style alone."""
    said = prompt.parameters
    strength = _strength(said.style_weight)
    whole = sum(reference.weight for reference in said.style_references) or 1.0
    for reference in said.style_references:
        if "://" not in reference.value and reference.value.isdigit():
            for phrase, share in style_of(int(reference.value), said.style_version or 1):
                weight = round(strength * share * reference.weight / whole, 4)
                yield Steer(By.STYLE, phrase, weight=weight)
    pictures = tuple(reference for reference in said.style_references if "://" in reference.value)
    counted = sum(picture.weight for picture in pictures) / whole
    for steer in _like(
        pictures, "style_references", "style", strength * counted, 0.5 * strength * counted, prompt, model
    ):
        yield replace(steer, style_only=True) if steer.by is By.LIKENESS else steer


def _characters(prompt: Prompt, model: Model) -> Iterator[Steer]:
    """`--cref` and `--oref`: somebody or something to be seen again. `--cw 0` keeps the face alone, so little."""
    said = prompt.parameters
    kept = (_USUAL if said.character_weight is None else said.character_weight) / _USUAL
    yield from _like(said.character_references, "character_references", "face", 0.3 + 0.4 * kept, kept, prompt, model)
    whole = () if said.omni_reference is None else (said.omni_reference,)
    omni = (_USUAL if said.omni_weight is None else said.omni_weight) / _USUAL
    yield from _like(whole, "omni_reference", "", 1.2 * _share(omni), omni, prompt, model)


def _edited(prompt: Prompt, model: Model) -> Iterator[Steer]:
    """`--edit`: pictures that the words say how to change. A model that does not read such words starts from them; from
    one alone in the colour that they name, which is then the steer's `name`."""
    pictures = prompt.parameters.edit
    if not pictures:
        return
    if model.family in REFERENCES:
        yield from (Steer(By.REFERENCE, link=picture.value) for picture in pictures)
    elif "redraw" in model.honours:
        colour = (len(pictures) == 1 and colour_asked(prompt.text)) or ""
        yield from (Steer(By.START, colour, picture.value, _EDITED / len(pictures)) for picture in pictures)
    else:
        raise _unable("edit", prompt, model)


_EDITED = 0.55
"""How much a picture counts that a model changes by drawing over it: less, and little of it stays; more, and a colour
cannot be changed (`benchmarks.references --edits`)."""


_MAPS = {"areas": ("seg", "area"), "edges": ("edge", "canny", "line", "sketch", "scribble"), "depth": ("depth",)}
"""What the names of ControlNets hold, by what they see."""


def _mapped(prompt: Prompt, model: Model) -> Iterator[Steer]:
    """`--map`: a ControlNet sees it; a map of areas can be laid out by every model that reads words."""
    said = prompt.parameters
    if said.structure is None:
        return
    kind = said.structure_kind or "areas"
    weight = (_USUAL if said.structure_weight is None else said.structure_weight) / _USUAL
    for name in model.controlnets:
        if any(word in name.lower() for word in _MAPS[kind]):
            yield Steer(By.STRUCTURE, name, said.structure, weight, map=kind)
            return
    if kind != "areas" or not {"redraw", "image_weight"} <= model.honours:
        raise UserError("map_not_supported", shows=kind, model=model.title, field="structure")
    yield Steer(By.AREAS, link=said.structure, weight=weight, map=kind)


def _like(
    pictures: Sequence[Reference], field: str, role: str, scale: float, start: float, prompt: Prompt, model: Model
) -> Iterator[Steer]:
    """`pictures` by the best means of the model: an adapter that looks at them with `scale`, else as references of a
    model that looks at pictures, else as what is started from, with the weight `start`."""
    pictures = tuple(picture for picture in pictures if picture.weight > 0)
    if not pictures:
        return
    whole = sum(picture.weight for picture in pictures)
    by, name = _means(field, role, prompt, model)
    for picture in pictures:
        share = picture.weight / whole
        weight = {By.LIKENESS: scale * share, By.START: start * picture.weight}.get(by, 1.0)
        yield Steer(by, name, picture.value, round(weight, 4))


def _means(field: str, role: str, prompt: Prompt, model: Model) -> tuple[By, str]:
    adapter = adapter_for(role, model)
    if adapter is not None:
        return By.LIKENESS, adapter
    if model.family in REFERENCES:
        return By.REFERENCE, ""
    if "image_weight" in model.honours:
        return By.START, ""
    raise _unable(field, prompt, model)


def adapter_for(role: str, model: Model) -> str | None:
    """The IP-Adapter that looks at pictures for a `role` (`style`, `face`, or empty): the one that has it in its name,
    else the first that is for nothing in particular, else the first of all."""
    names = list(model.ip_adapters)
    named = [name for name in names if role and role in name.lower()]
    general = [name for name in names if not any(word in name.lower() for word in ("style", "face"))]
    return next(iter((*named, *general, *names)), None)


def _unable(field: str, prompt: Prompt, model: Model) -> UserError:
    if field == "images":
        return UserError("parameter_not_supported", reason="image_link", field=field, model=model.title)
    typed = flag_as_typed(prompt, field)
    return UserError("parameter_not_supported", parameter=typed, field=field, model=model.title)


def _share(weight: float) -> float:
    """0 for no weight, 0.6 for 1, near 1 for a lot."""
    return weight / (weight + 0.7)


def _strength(weight: int | None) -> float:
    """1 for the usual weight of 100, 0 for 0, 1.6 for 1,000."""
    return 1.7 * _share((_USUAL if weight is None else weight) / _USUAL)
