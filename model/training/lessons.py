"""Stage 3, lessons: the text tower learns how people ask, for a denoiser that already knows what to draw.

Two aims at once. What a known denoiser draws for a prompt as people type it ("a majestic lion, digital art", "🦁") has
to be what it draws for the plain caption ("a lion"): the two predictions are compared, and only the text tower learns.
And all that a caption says (nouns, colours, place, time, style, a person's traits) has to be legible in the prompt's
last state, so that a denoiser can learn it later: small linear heads have to read it there.

The token table stays as it is. It comes from vectors of a large language model, so words that no lesson holds keep
their place among those that some do. New tokens (Chinese words, emoji) get the vectors of their English words.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .captions import BACKGROUNDS, HUES, Thing, decorate, elaborate, write_caption
from .compose import Scene
from .loop import Schedule, train
from .noising import Noising
from .people import Traits
from .places import PLACES, TIME_WORDS, TIMES, WEATHER_WORDS, WEATHERS
from .recipe import Recipe
from .scenes import RELATIONS
from .styles import STYLES
from .text_encoder import TABLE, tokenize

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

# The nearest that plain backgrounds come to a place, for a denoiser that knows no places.
GROUNDS = {
    "forest": "green", "beach": "beige", "desert": "beige", "snow": "white", "space": "purple", "city": "gray",
    "under water": "blue", "mountains": "light blue", "meadow": "light green", "garden": "green", "lake": "light blue",
    "room": "brown",
}  # fmt: skip
# Plain backgrounds that stand for any place at a time.
LIGHTS = {"black": "night", "purple": "night", "orange": "sunset", "pink": "sunset"}
# What is said of any place without changing its colour.
WHENEVER = (*TIME_WORDS["day"], *(words for said in WEATHER_WORDS.values() for words in said))


def extend_tokenizer(tokenizer: CLIPTokenizer, tokens: Sequence[str], length: int) -> CLIPTokenizer:
    """The tokenizer with more whole tokens, found wherever they stand, and room for `length` positions."""
    from tokenizers import AddedToken

    extended = copy.deepcopy(tokenizer)
    known = set(extended.get_vocab())
    extended.add_tokens([AddedToken(token, normalized=False) for token in tokens if token not in known])
    extended.model_max_length = length
    return extended


@torch.no_grad()
def extend_tower(
    tower: CLIPTextModel, tokenizer: CLIPTokenizer, meanings: Mapping[str, str], length: int
) -> CLIPTextModel:
    """The tower with rows for the tokenizer's new tokens, each the mean of its English words' rows, and with `length`
    positions: the last one it had serves for those after it, where a prompt's repeated end stands."""
    from transformers import CLIPTextModel

    config = copy.deepcopy(tower.config)
    had, config.vocab_size, config.max_position_embeddings = config.vocab_size, len(tokenizer), length
    extended = CLIPTextModel(config)
    state = tower.state_dict()
    positions = state["embeddings.position_embedding.weight"]
    state["embeddings.position_embedding.weight"] = torch.cat(
        [positions, positions[-1:].expand(length - len(positions), -1)]
    )
    table = torch.cat([state[TABLE], torch.zeros(len(tokenizer) - had, config.hidden_size)])
    for token, meaning in meanings.items():
        number = tokenizer.convert_tokens_to_ids(token)
        if number >= had:
            pieces = tokenizer(meaning, add_special_tokens=False).input_ids
            table[number] = table[[piece for piece in pieces if piece < had]].mean(0)
    state[TABLE] = table
    extended.load_state_dict(
        {name: tensor for name, tensor in state.items() if "position_ids" not in name}, strict=False
    )
    return extended


@dataclass(frozen=True)
class Phrasebook:
    """How scenes can be said: names of the concepts, synonyms, Chinese words and emoji of each noun. `kinds` are
    synonyms too, with those that no caption says, for readers of prompts."""

    names: tuple[str, ...]
    synonyms: Mapping[str, Sequence[str]]
    chinese: Mapping[str, Sequence[str]]
    emoji: Mapping[str, Sequence[str]]
    kinds: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def phrase(self, scene: Scene, rng: random.Random, grounded: bool = False) -> str:
        """A scene's caption as it is, with more words around its thing, with other words for it, or in Chinese.

        `grounded`: for a denoiser that draws a thing only before one colour, and in no style. Some captions then speak
        of the place that the colour stands for, or of a style."""
        share = rng.random()
        if grounded and scene.place is None and scene.person is None and len(scene.concepts) == 1:
            scene = grounded_scene(scene, rng)
        if share < 0.12 and (said := self.in_chinese(scene, rng)):
            return said
        caption = elsewhere(scene, rng)
        if len(scene.concepts) == 1 and rng.random() < 0.35:
            caption = elaborate(caption, self.names[scene.concepts[0]], rng)
        for concept in scene.concepts:
            noun = self.names[concept]
            choice = rng.random()
            if choice < 0.3 and noun in self.synonyms:
                caption = caption.replace(f" {noun}", f" {rng.choice(list(self.synonyms[noun]))}", 1)
            elif choice < 0.36 and noun in self.emoji:
                one = rng.choice(list(self.emoji[noun]))
                caption = (
                    caption.replace(f" {noun}", f" {one}", 1) if rng.random() < 0.5 else caption.replace(noun, one)
                )
            elif choice < 0.41 and len(noun) > 4:
                caption = caption.replace(noun, slip(noun, rng), 1)
        return caption

    def in_chinese(self, scene: Scene, rng: random.Random) -> str:
        """What a scene shows, in Chinese; empty where a word is missing."""

        def colour_word(colour: str) -> str:
            return "orange color" if colour == "orange" else colour  # the fruit is another word in Chinese

        def word(english: str | None) -> str:
            return rng.choice(list(self.chinese[english])) if english and english in self.chinese else ""

        nouns = [word(self.names[concept]) for concept in scene.concepts]
        if not all(nouns) or (not nouns and scene.place is None and scene.person is None):
            return ""
        said = [
            word(colour_word(colour)) + noun if colour else noun
            for colour, noun in zip(scene.colours, nouns, strict=True)
        ]
        subject = rng.choice(("和", "与", "在")).join(said)
        if scene.relation == "beside" and len(said) == 2 and rng.random() < 0.5:
            subject = f"{said[0]}在{said[1]}旁边"
        if scene.person is not None:
            person = scene.person
            traits = [word(person.mood), word("beard") if person.beard else "",
                      word(colour_word(person.hair)) + word("hair") if person.hair else "",
                      word("glasses on") if person.glasses == "glasses" else ""]  # fmt: skip
            told = [trait for trait in traits if trait]
            subject = ("".join(told) + "的" if told else "") + word(person.who)
        where = word({"snow": "snow"}.get(scene.place or "", scene.place))
        if scene.time in ("night", "sunset"):
            where = word(scene.time) + rng.choice(("", "的")) + where
        if where and subject:
            subject = f"{where}{rng.choice(('里的', '的', '中的'))}{subject}"
        subject = subject or where
        if scene.background is not None and colour_word(scene.background) in self.chinese:
            subject += f"，{word(colour_word(scene.background))}背景"
        if scene.style in STYLES:
            subject += f"，{word(scene.style)}"
        return rng.choice(("", "", "一个", "可爱的")) + subject if scene.concepts else subject

    def plainly(self, scene: Scene, practised: Sequence[str], styles: Sequence[str]) -> str | None:
        """The caption by which a denoiser of plain pictures knows what a scene shows; None where it cannot know."""
        nouns = [self.names[concept] for concept in scene.concepts]
        if not nouns or re.search(r"\b(two|three) ", scene.caption) or any(noun not in practised for noun in nouns):
            return None
        background = scene.background or GROUNDS.get(scene.place or "")
        if scene.place is not None and scene.time == "night":
            background = "black"
        things = [Thing(noun, colour) for noun, colour in zip(nouns, scene.colours, strict=True)]
        style = scene.style if scene.style in styles else None
        return write_caption(things, background, style, random.Random(0), variety=0)


def grounded_scene(scene: Scene, rng: random.Random) -> Scene:
    """A scene of one thing, told as if it stood in the place that its background stands for, or in a style, or as it
    is: by turns."""
    choice, background = rng.random(), (scene.background or "").removesuffix(" gradient")
    time = LIGHTS.get(background)
    fitting = [name for name, ground in GROUNDS.items() if ground == background or (time and PLACES[name].timed)]
    caption = scene.caption
    if fitting and choice < 0.6:
        place = rng.choice(fitting)
        where, when = rng.choice(PLACES[place].inside), rng.choice(("", "", *WHENEVER))
        if not PLACES[place].timed:
            time = None
        elif time == "night" and rng.random() < 0.25:
            where, when = f"in a dark {rng.choice(PLACES[place].alone)}", ""
        elif time:
            when = rng.choice(TIME_WORDS[time])
        said = re.sub(r" on an? [a-z ]+ background", "", caption)
        scene = replace(scene, background=None, place=place, time=time)
        return replace(scene, caption=f"{said} {where} {when}".strip())
    if scene.style is None and choice > 0.8:
        name = rng.choice(list(STYLES))
        style = STYLES[name]
        return replace(scene, style=name, caption=decorate(caption, style.kinds, style.endings, rng))
    return replace(scene, caption=decorate(caption, (), (), rng)) if choice > 0.7 else scene


def elsewhere(scene: Scene, rng: random.Random) -> str:
    """A scene's caption with other words for where something is: in its place, or beside another thing."""
    caption = scene.caption
    if scene.place is None:
        beside = len(scene.concepts) == 2 and rng.random() < 0.4
        return caption.replace(" and ", f" {rng.choice(RELATIONS['beside'])} ", 1) if beside else caption
    inside = PLACES[scene.place].inside
    said = next((words for words in inside if re.search(rf"\b{words}\b", caption)), None)
    return caption if said is None else caption.replace(said, rng.choice(inside), 1)


def slip(word: str, rng: random.Random) -> str:
    """A word as fingers may type it: two letters exchanged, or one left out or doubled; the first one is right."""
    place = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(3)
    if kind == 0:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return word[:place] + (word[place] * 2 if kind == 1 else "") + word[place + 1 :]


class Reading:
    """What can be read from a prompt, as one class number a question; -1 where a question does not apply."""

    def __init__(self, concepts: int, scenes: Sequence[Scene]) -> None:
        styles = sorted({scene.style for scene in scenes if scene.style} | set(STYLES))
        grounds = [*BACKGROUNDS, *(f"{name} gradient" for name in BACKGROUNDS)]
        colours = sorted({*HUES, *BACKGROUNDS, "white"})
        self.choices: dict[str, list[Any]] = {
            "first": list(range(concepts)), "second": list(range(concepts)), "colour": colours, "other colour": colours,
            "background": grounds, "style": styles, "place": list(PLACES), "time": list(TIMES),
            "weather": list(WEATHERS), "relation": list(RELATIONS),
        }  # fmt: skip
        for trait in fields(Traits):
            found = {getattr(scene.person, trait.name) for scene in scenes if scene.person is not None}
            self.choices[trait.name] = sorted(value for value in found if value)
        self.numbers = {
            name: {value: place + 1 for place, value in enumerate(values)} for name, values in self.choices.items()
        }

    def sizes(self) -> list[int]:
        return [len(values) + 1 for values in self.choices.values()]

    def answers(self, scene: Scene) -> list[int]:
        """0 is for what is not there."""
        first, second = (*scene.concepts, None, None)[:2]
        colour, other = (*scene.colours, None, None)[:2]
        said: list[Any] = [first, second, colour, other, scene.background, scene.style, scene.place, scene.time,
                      scene.weather, scene.relation]  # fmt: skip
        said += [getattr(scene.person, trait.name, None) for trait in fields(Traits)]
        return [self.numbers[name].get(value, 0) for name, value in zip(self.choices, said, strict=True)]


class Pupil(nn.Module):
    """The text tower and the heads that read its last state."""

    def __init__(self, tower: CLIPTextModel, sizes: Sequence[int]) -> None:
        super().__init__()
        self.tower = tower
        self.heads = nn.Linear(tower.config.hidden_size, sum(sizes))
        tower.requires_grad_(True)
        tower.get_parameter(TABLE).requires_grad_(False)


def train_lessons(
    tower: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    teacher: tuple[CLIPTokenizer, CLIPTextModel, UNet2DConditionModel],
    scenes: Sequence[Scene],
    latents: Tensor,
    book: Phrasebook,
    practised: Sequence[str],
    plain_styles: Sequence[str],
    recipe: Recipe,
    minutes: float,
    folder: Path,
    seed: int = 0,
    on_checkpoint: Callable[[Pupil], None] | None = None,
) -> Pupil:
    """Train `tower`; returns it with averaged weights. `latents` (M, C, h, w) are what the teacher's denoiser draws,
    one for each of the first M scenes; `practised` are the nouns it knows, `plain_styles` its style words."""
    old_tokenizer, old_tower, unet = teacher
    for part in (old_tower, unet):
        part.eval().requires_grad_(False)
    reading = Reading(len(book.names), scenes)
    sizes, rng, noising = reading.sizes(), random.Random(seed), Noising()
    plain = [book.plainly(scene, practised, plain_styles) for scene in scenes]
    taught = [number for number in range(len(latents)) if plain[number] is not None]
    answers = torch.tensor([reading.answers(scene) for scene in scenes])

    def batch_loss(pupil: Pupil, generator: torch.Generator) -> Tensor:
        count = recipe.lesson_batch
        shown = rng.choices(taught, k=4 * count)
        captions = [str(plain[number]) for number in shown]
        others = rng.choices(range(len(scenes)), k=count)
        asked = [book.phrase(scenes[number], rng) for number in (*shown, *others)]
        with torch.no_grad():
            known = old_tower(tokenize(old_tokenizer, captions)).last_hidden_state
            # Behind its end a prompt says the same again and again: the last state stands for those of more positions.
            further = tokenizer.model_max_length - known.shape[1]
            wanted = torch.cat([known, known[:, -1:].expand(-1, further, -1)], 1)

        # Plain captions stay what they were, state by state; other words for them end in the same state ...
        loss = functional.mse_loss(pupil.tower(tokenize(tokenizer, captions)).last_hidden_state, wanted)
        states = pupil.tower(tokenize(tokenizer, asked)).last_hidden_state
        loss = loss + 0.3 * functional.mse_loss(states[: len(shown), -1], wanted[:, -1])

        # ... and the denoiser, which reads all of them, sees in both the same picture.
        noise = torch.randn(latents[:count].shape, generator=generator)
        steps = torch.randint(300, 1000, (count,), generator=generator)
        steps[torch.rand(count, generator=generator) < 0.35] = 999
        noisy = noising.add_noise(latents[shown[:count]].float(), noise, steps)
        with torch.no_grad():
            drawn = unet(noisy, steps, known[:count]).sample
        loss = loss + functional.mse_loss(unet(noisy, steps, states[:count]).sample, drawn)

        told = pupil.heads(states[:, -1]).split(sizes, dim=1)
        for question, scores in enumerate(told):
            loss = loss + 0.02 * functional.cross_entropy(scores, answers[[*shown, *others], question])
        return loss

    schedule = Schedule(minutes, recipe.lesson_rate, seed, ema_decay=0.997, weight_decay=0.0, log_every=50)
    return train(Pupil(tower, sizes), batch_loss, schedule, folder / "lessons.pt", on_checkpoint)


@torch.no_grad()
def measure_lessons(
    pupil: Pupil, tokenizer: CLIPTokenizer, scenes: Sequence[Scene], book: Phrasebook, all_scenes: Sequence[Scene]
) -> dict[str, float]:
    """For every question, the share of held-back scenes whose phrased caption is read rightly, where it applies."""
    reading, rng = Reading(len(book.names), all_scenes), random.Random(7)
    answers = torch.tensor([reading.answers(scene) for scene in scenes])
    states = torch.cat(
        [pupil.tower(tokenize(tokenizer, [book.phrase(scene, rng) for scene in scenes[start : start + 64]]))
         .last_hidden_state[:, -1] for start in range(0, len(scenes), 64)]
    )  # fmt: skip
    figures = {}
    for question, (name, scores) in enumerate(
        zip(reading.choices, pupil.heads(states).split(reading.sizes(), 1), strict=True)
    ):
        there = answers[:, question] > 0
        if there.any():
            figures[name] = (scores.argmax(1) == answers[:, question])[there].float().mean().item()
    return figures
