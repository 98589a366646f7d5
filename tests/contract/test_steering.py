"""What steers a picture beside its words: by which means of a model, and what is said where it has none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.catalogue import EASEL_SMALL, Model
from contract.errors import UserError
from contract.kinds.imagine import Imagine
from contract.plan import By, Steer
from contract.planning import check, plan
from contract.prompt import parse, without
from contract.sentences import describe
from contract.steering import MAX_LORAS, remarks_on_means, steers
from contract.styles import style_of
from tests.contract.factories import imagine

INKED = replace(EASEL_SMALL, loras={"ink": "ink.safetensors", "Water-Colour": "w.safetensors"})


@pytest.mark.parametrize(
    ("text", "loras"),
    [
        ("a fox --lora ink::0.8", [("ink", 0.8)]),
        ("a fox <lora:ink:0.8>", [("ink", 0.8)]),
        ("a fox <lora:water_colour:.5> <lora:INK>", [("Water-Colour", 0.5), ("ink", 1)]),
        ("a fox --lora ink::.5 ink::.9", [("ink", 0.5)]),
        ("a fox --lora ink::0", []),
    ],
)
def test_a_lora_of_the_catalogue_is_used(text: str, loras: list[tuple[str, float]]) -> None:
    """However it is written: as a flag, as web UIs write it, in other capitals or with other dashes. The first weight
    counts."""
    made = plan(imagine(text), INKED)
    assert [(steer.by, steer.name, steer.weight) for steer in made.steers] == [(By.LORA, *lora) for lora in loras]


def test_an_unknown_lora_is_refused_with_the_nearest() -> None:
    """And without it the prompt runs, in either spelling."""
    for text in ("a fox --lora inc::.7", "a fox <lora:inc:.7>"):
        with pytest.raises(UserError, match="lora_not_offered") as caught:
            check(parse(text).prompts[0], INKED, Imagine())
        sentence = describe(caught.value)[1]
        assert "`inc`" in sentence
        assert "`--lora ink`" in sentence
        assert "Water-Colour" in sentence
        assert without(text, str(caught.value.values["field"])) == "a fox"


def test_a_model_without_loras_says_so() -> None:
    """There is no nearest one to name."""
    with pytest.raises(UserError, match="lora_not_offered") as caught:
        check(parse("a fox --lora ink").prompts[0], EASEL_SMALL, Imagine())
    assert "has no LoRA here" in describe(caught.value)[1]


def test_loras_are_counted() -> None:
    """Each adds to every step, so there are only so many."""
    names = {f"l{number}": "x.safetensors" for number in range(MAX_LORAS + 1)}
    many = replace(EASEL_SMALL, loras=names)
    flags = " ".join(f"--lora {name}" for name in names)
    with pytest.raises(UserError, match="too_many_loras"):
        plan(imagine(f"a fox {flags}"), many)


def test_a_plan_says_which_loras() -> None:
    """So a worker draws what was accepted, whatever its own catalogue says."""
    assert plan(imagine("a fox --lora ink"), INKED).steers == (Steer(By.LORA, "ink"),)


STYLE = (("mosaic", 0.611), ("deep blues and golds", 0.389))
A, B = "https://a.org/a.png", "https://a.org/b.png"
LOOKING = replace(EASEL_SMALL, ip_adapters={"plain": ("f", "e"), "face": ("f", "e")})
EDITING = replace(EASEL_SMALL, family="flux2-klein", sampler="flow_euler")
BLIND = replace(EASEL_SMALL, honours=EASEL_SMALL.honours - {"image_weight", "redraw"})


def means(text: str, model: Model) -> list[tuple[By, str, float]]:
    return [(steer.by, steer.name, round(steer.weight, 2)) for steer in steers(parse(text).prompts[0], model)]


@pytest.mark.parametrize(
    ("text", "looking", "editing", "plain"),
    [
        (f"{A} a fox", (By.LIKENESS, "plain", 0.59), (By.REFERENCE, "", 1), (By.START, "", 1)),
        (f"{A} a fox --iw 3", (By.LIKENESS, "plain", 0.81), (By.REFERENCE, "", 1), (By.START, "", 3)),
        (f"a fox --sref {A}", (By.LIKENESS, "plain", 1), (By.REFERENCE, "", 1), (By.START, "", 0.5)),
        (f"a fox --sref {A} --sw 0", None, (By.REFERENCE, "", 1), None),
        (f"a fox --cref {A} --v 6", (By.LIKENESS, "face", 0.7), (By.REFERENCE, "", 1), (By.START, "", 1)),
        (f"a fox --cref {A} --cw 0 --v 6", (By.LIKENESS, "face", 0.3), (By.REFERENCE, "", 1), None),
        (f"a fox --oref {A} --v 7", (By.LIKENESS, "plain", 0.71), (By.REFERENCE, "", 1), (By.START, "", 1)),
        (f"a fox --edit {A}", (By.START, "", 0.55), (By.REFERENCE, "", 1), (By.START, "", 0.55)),
        (f"make it red --edit {A}", (By.START, "red", 0.55), (By.REFERENCE, "", 1), (By.START, "red", 0.55)),
    ],
)
def test_pictures_are_used_by_the_best_means(
    text: str, looking: tuple[By, str, float], editing: tuple[By, str, float], plain: tuple[By, str, float]
) -> None:
    """An adapter that looks at them, else a model that looks at them itself, else it starts from them; and a model with
    none of these refuses them by name."""
    for model, expected in ((LOOKING, looking), (EDITING, editing), (EASEL_SMALL, plain)):
        assert means(text, model) == ([] if expected is None else [expected]), model.family
    if plain is not None:
        with pytest.raises(UserError, match="parameter_not_supported"):
            check(parse(text).prompts[0], BLIND, Imagine())


def test_two_pictures_share_what_one_has() -> None:
    """`--iw` is for all of them together, `::` parts it."""
    [one, other] = steers(parse(f"{A}::3 {B}::1 a fox").prompts[0], LOOKING)
    assert [one.weight, other.weight] == pytest.approx([0.441, 0.147], abs=0.01)


def test_a_blend_is_all_pictures() -> None:
    """Without words nothing holds against them."""
    assert [steer.weight for steer in steers(parse(f"{A} {B}").prompts[0], LOOKING)] == [0.5, 0.5]


def test_what_is_done_otherwise_is_said() -> None:
    """A model that cannot look at pictures starts from them: in the answer, not behind the person's back."""
    for text, remark in (
        (f"a fox --sref {A}", "nearest_style"),
        (f"a fox --oref {A} --v 7", "nearest_character"),
        (f"at night --edit {A}", "nearest_edit"),
        (f"a red fox --edit {A} {B}", "nearest_edit"),
        (f"make it red --edit {A}", "nearest_edit_colour"),
    ):
        prompt = parse(text).prompts[0]
        assert [one.id for one in remarks_on_means(prompt, EASEL_SMALL)] == [remark]
        assert remarks_on_means(prompt, EDITING) == ()
    assert remarks_on_means(parse(f"{A} a fox --sref 5").prompts[0], EASEL_SMALL) == ()


def test_an_editing_model_is_not_shown_too_much() -> None:
    """And one that only edits is not asked to draw from nothing."""
    links = " ".join(f"https://a.org/{number}.png" for number in range(5))
    with pytest.raises(UserError, match="too_many_references"):
        check(parse(f"{links} a fox").prompts[0], EDITING, Imagine())
    only = replace(EASEL_SMALL, family="qwen-image-edit", sampler="flow_euler")
    with pytest.raises(UserError, match="nothing_to_edit"):
        check(parse("a fox").prompts[0], only, Imagine())
    check(parse(f"make it red --edit {A}").prompts[0], only, Imagine())


def test_a_styles_number_means_the_same_for_ever() -> None:
    """The words that it stands for, with shares that sum to 1; written down here, because people write numbers down."""
    assert style_of(762351716) == STYLE
    assert sum(share for _, share in style_of(762351716)) == pytest.approx(1, abs=0.01)
    assert style_of(762351716, 2) != style_of(762351716)
    assert len({style_of(number) for number in range(300)}) > 290


def test_a_styles_weight_is_how_far_it_goes() -> None:
    """`--sw 100` is all the way, more goes beyond, 0 has none; items share it by their own weights."""
    for flags, whole in (("77", 1), ("77 --sw 1000", 1.59), ("77 --sw 0", 0), ("77 88::3", 1)):
        assert sum(steer.weight for steer in steers(parse(f"a fox --sref {flags}").prompts[0], EASEL_SMALL)) == (
            pytest.approx(whole, abs=0.01)
        )


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("", (By.STRUCTURE, "sd-seg", 1, "areas")),
        ("--mt areas --mw 40", (By.STRUCTURE, "sd-seg", 0.4, "areas")),
        ("--mt edges", (By.STRUCTURE, "canny", 1, "edges")),
    ],
)
def test_a_map_is_seen_by_the_controlnet_for_it(flags: str, expected: tuple[By, str, float, str]) -> None:
    """Found by what its name holds, with the map's weight."""
    model = replace(EASEL_SMALL, controlnets={"canny": "c", "sd-seg": "s"})
    [steer] = steers(parse(f"a fox --map {A} {flags}").prompts[0], model)
    assert (steer.by, steer.name, steer.weight, steer.map) == expected
    assert steer.link == A


def test_a_map_of_areas_needs_no_controlnet() -> None:
    """It is laid out; edges and depth are refused by a model that has none for them."""
    [steer] = steers(parse(f"a fox --map {A} --mw 50").prompts[0], EASEL_SMALL)
    assert (steer.by, steer.weight) == (By.AREAS, 0.5)
    for kind in ("edges", "depth"):
        with pytest.raises(UserError, match="map_not_supported") as caught:
            check(parse(f"a fox --map {A} --mt {kind}").prompts[0], EASEL_SMALL, Imagine())
        assert kind in describe(caught.value)[1]


def test_a_student_draws_nothing_that_is_steered() -> None:
    """Adapters were made for the model itself; a style in words is no adapter."""
    assert EASEL_SMALL.student is not None
    assert plan(imagine("a fox --draft --sref 5"), EASEL_SMALL).student
    for flags in (f"--sref {A}", f"--map {A}", f"--edit {A}"):
        assert not plan(imagine(f"a fox --draft {flags}"), EASEL_SMALL).student
    assert not plan(imagine("a fox --draft --lora ink"), INKED).student
