"""An operator's offer is a file; what is wrong with it is said in words."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL, Catalogue, read_catalogue
from contract.errors import UserError
from contract.families import FAMILIES, HONOURABLE
from contract.kinds import KINDS
from contract.planning import plan
from contract.prompt import Context, Parameters, parse
from tests.contract.factories import imagine

EXAMPLE = (Path(__file__).parents[2] / "models.example.toml").read_text(encoding="utf-8")


def test_the_example_is_a_catalogue() -> None:
    """The first model that answers draws; the small one is there for every other version."""
    catalogue = read_catalogue(EXAMPLE)
    assert catalogue.resolve("6.1").name == "sdxl"
    assert catalogue.resolve("niji 6") == EASEL_SMALL


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[[models]]", "[[models", "not TOML"),
        ("pixels = 1048576", "", "models.0.pixels"),
        ("pixels = 1048576", 'pixels = "many"', "models.0.pixels"),
        ("pixels = 1048576", "pixels = 0", "start at 1"),
        ("enlargement = 4", "enlargement = 3", "1 or 4"),
        ("enlargement = 4", "size = 4", "models.1: unknown key 'size'; the nearest is "),
        ("enlargement = 4", "enlargment = 4", "the nearest is 'enlargement'"),
        ('sampler = "dpmpp_2m"', 'sampler = "dpmpp2m"', "sdxl: sampler 'dpmpp2m'; the nearest is 'dpmpp_2m' of ddim, "),
        ('sampler = "dpmpp_2m"', 'sampler = "magic"', "sdxl: sampler 'magic'; the nearest is "),
        ('sampler = "dpmpp_2m"', 'sampler = "flow_euler"', "sdxl: sampler 'flow_euler'; the nearest is 'euler'"),
        ("euler_a = 30", "euler_b = 30", "sdxl: samplers 'euler_b'; the nearest is 'euler_a'"),
        ("euler_a = 30", "euler_a = 0", "sdxl: a sampler takes 1 to 1000 steps"),
        ("enlargement = 4", 'quantised = {unet = "int7"}', "models.1.quantised.unet"),
        ('family = "stable-diffusion-xl"', 'family = "nonsense"', "sdxl: family 'nonsense'; the nearest is "),
        ('"stylize"', '"stylise"', "sdxl: honours 'stylise'; the nearest is 'stylize'"),
        ('"stylize"', '"seed"', "sdxl: honours 'seed'"),
        ("guidance_scale = 6.0", "guidance_scale = nan", "models.0.guidance_scale"),
        ("guidance_scale = 6.0", "guidance_scale = inf", "models.0.guidance_scale"),
        ("guidance_interval = [0.1, 1.0]", "guidance_interval = [0.0, nan]", "models.1.guidance_interval"),
        ("pixels = 4096", "pixels = 200", "at least size_multiple x size_multiple (256)"),
        ('name = "sdxl"', 'name = "sd;xl"', "name 'sd;xl': use letters"),
        ('name = "sdxl"', 'name = "sd]xl"', "name 'sd]xl': use letters"),
        ('name = "sdxl"', 'name = "sdxl, turbo"', "use letters"),
        ('name = "sdxl"', 'name = ""', "use letters"),
        ('name = "sdxl"', f'name = "{"x" * 65}"', "at most 64"),
        ('title = "Stable Diffusion XL"', 'title = "**XL**"', "sdxl: title"),
        ('title = "Stable Diffusion XL"', 'title = "XL <@7>"', "sdxl: title"),
        ('title = "Stable Diffusion XL"', 'title = "two\\nlines"', "sdxl: title is one line"),
        ("guidance_interval = [0.1, 1.0]", "guidance_interval = [0.9, 0.5]", "two shares"),
        ("enlargement = 4", "deep_every = 0", "deep_every is 1"),
        ('= 4, sampler = "ddim"', '= 0, sampler = "ddim"', "student.num_infer"),
        ('= 4, sampler = "ddim"', '= 4, sampler = "dim"', "student.sampler 'dim'"),
        ('num_inference_steps = 4, sampler = "ddim"', 'steps = 4, sampler = "ddim"', "models.1.student"),
        ('name = "easel-small"', 'name = "sdxl"', "same name"),
        ('"5.2"', '"5.7"', "no version 5.7"),
        ('versions = ["*"]', "versions = []", "easel-small: it answers to no version"),
        ("enlargement = 4", 'aliases = {emoji = "5.7"}', "aliases: there is no version 5.7"),
        ("enlargement = 4", 'aliases = {"7.0" = "6.1"}', "aliases: 7.0 is no new word"),
        ("enlargement = 4", 'aliases = {"two words" = "6.1"}', "aliases: two words is no new word"),
        ("enlargement = 4", "aliases = {emoji = 6.1}", "models.1.aliases.emoji"),
    ],
)
def test_a_mistake_is_named(old: str, new: str, reason: str) -> None:
    """Which model, which key, what it may be."""
    with pytest.raises(UserError) as caught:
        read_catalogue(EXAMPLE.replace(old, new, 1))
    assert caught.value.kind == "bad_catalogue"
    assert reason in str(caught.value.values["reason"])


def test_samplers_that_people_may_choose() -> None:
    """The model's own first; each has its steps."""
    catalogue = read_catalogue(EXAMPLE)
    assert catalogue.samplers_of("sdxl") == ("dpmpp_2m", "euler_a", "ddpm")
    assert catalogue.named("sdxl").choices == {"dpmpp_2m": 30, "euler_a": 30, "ddpm": 50}
    assert "ddpm" in catalogue.samplers_of("easel-small")
    assert catalogue.samplers_of("gone") == ()


def test_shortcuts_are_off_until_an_operator_sets_them() -> None:
    """The likeness of pictures is the operator's to trade, and nobody else's."""
    plain, quick, _ = read_catalogue(EXAMPLE.replace("= [0.1, 1.0]", "= [0, 0.8]\ndeep_every = 2"))
    assert (plain.guidance_interval, plain.deep_every) == ((0.0, 1.0), 1)
    assert (quick.guidance_interval, quick.deep_every) == ((0.0, 0.8), 2)


EMOJI = read_catalogue(EXAMPLE.replace("enlargement = 4", 'aliases = {Emoji = "6.1"}'))


def test_an_operators_own_name_is_a_version() -> None:
    """`--v emoji` is read by the rules of 6.1 and drawn by the model that has the name, not by the first."""
    (prompt,) = parse("a fox --q 2 --v EMOJI", Context(versions=EMOJI.versions)).prompts
    assert (prompt.version, prompt.echo) == ("emoji", "a fox --q 2 --v emoji")
    assert EMOJI.resolve(prompt.version).name == "easel-small"
    assert EMOJI.offered[:4] == ("ltx", "emoji", "photo", "niji 7")
    assert EMOJI.default_version == "6.1", "the newest that the first model draws"
    assert DEFAULT_CATALOGUE.default_version == "8.2"


def test_everything_is_not_somebody_elses_name() -> None:
    """`"*"` covers the language's versions; a name that another model was given stays with that one."""
    catalogue = Catalogue((EASEL_SMALL, replace(EASEL_SMALL, name="emoji", versions=(), aliases={"emoji": "7"})))
    assert catalogue.resolve("emoji").name == "emoji"
    assert catalogue.resolve("7").name == "easel-small"


def test_what_is_not_offered_is_refused_with_what_is() -> None:
    """Spellings of one version are one version, and without 8.2 the default is the newest that there is."""
    catalogue = Catalogue((replace(EMOJI.models[0], versions=("6",), aliases={"photo": "6"}),))
    with pytest.raises(UserError) as caught:
        catalogue.resolve("7")
    assert caught.value.values["offered"] == "photo, 6"
    assert catalogue.default_version == "6"
    assert read_catalogue(EXAMPLE.replace('"5.2"', '"7.0", "niji"')).models[0].versions[2:4] == ("7", "niji 6")


@pytest.mark.parametrize(
    "text", ["models = 3", 'models = ["sdxl"]', "[models]\nname = 'sdxl'", "[[model]]", "[[models]]"]
)
def test_what_has_no_tables_of_models_is_refused(text: str) -> None:
    """For any shape, the answer is a sentence."""
    with pytest.raises(UserError, match="models"):
        read_catalogue(text)


def test_an_empty_offer_is_refused() -> None:
    """A bot without a model has nothing to do."""
    with pytest.raises(UserError, match="offers no model"):
        read_catalogue("")


def test_needs_of_kinds_are_words_that_some_kind_needs() -> None:
    """A word of the list that is no parameter is a need of a kind; one that nobody needs has no place there."""
    assert frozenset().union(*(kind.needs for kind in KINDS.values())) == HONOURABLE - _PARAMETERS


_PARAMETERS = frozenset(field.name for field in fields(Parameters))


@pytest.mark.parametrize("word", sorted(HONOURABLE & _PARAMETERS))
def test_whatever_may_be_honoured_changes_something(word: str) -> None:
    """A word that changes neither a job's plan nor what is drawn from has no place in the list."""
    asked = {
        "aspect": "--ar 3:2",
        "chaos": "--chaos 40",
        "stylize": "--s 700",
        "weird": "--weird 900",
        "quality": "--q .5",
        "stop": "--stop 50",
        "tile": "--tile",
        "style": "--style raw",
        "raw": "--raw",
        "draft": "--draft",
        "hd": "--hd",
        "experimental": "--exp 40",
        "image_weight": "--iw 2",
    }[word]
    link = "https://example.org/a.png "
    plain, changed = imagine(f"{link}a fox"), imagine(f"{link}a fox {asked}")
    able = replace(EASEL_SMALL, honours=HONOURABLE)
    assert plan(changed, able) != plan(plain, able)
    deaf = replace(EASEL_SMALL, honours=HONOURABLE - {word})
    with pytest.raises(UserError, match="parameter_not_supported"):
        plan(changed, deaf)


@pytest.mark.parametrize(
    ("family", "word"), [("flux", "tile"), ("qwen-image-edit", "inpaint"), ("unconditional", "stylize")]
)
def test_a_catalogue_does_not_promise_what_a_family_cannot_do(family: str, word: str) -> None:
    """The sentence names model, family and word."""
    sampler = sorted(FAMILIES[family])[0]
    text = f"""
        [[models]]
        name = "mine"
        title = "Mine"
        family = "{family}"
        licence = "MIT"
        versions = ["7"]
        pixels = 65536
        size_multiple = 16
        num_inference_steps = 4
        guidance_scale = 1.0
        sampler = "{sampler}"
        honours = ["aspect", "{word}"]
        source = "somewhere"
    """
    with pytest.raises(UserError, match=f"mine: no {family} model can honour {word}"):
        read_catalogue(text)
