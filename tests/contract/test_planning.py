"""Flags become numbers in one place, and what a model cannot honour is refused."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from contract.actions import Action, Button, ButtonId, Under, read_custom_id
from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL, Catalogue, Model, Student, read_catalogue
from contract.errors import UserError
from contract.jobs import Job, Request, Strength
from contract.kinds.imagine import Imagine
from contract.kinds.sheet import SHEET_SIZE, Drafts
from contract.kinds.styles import Styles
from contract.kinds.variation import Variation
from contract.layout import trimmed
from contract.messages import result_buttons
from contract.plan import Plan
from contract.planning import MAX_PICTURES, awaits_shape, check, fit_size, plan, shaped
from contract.prompt import parse, without
from contract.sentences import describe
from tests.contract.factories import buttons, follow, imagine, press, upscale, variation

RATIOS = ("1:1", "5:4", "4:5", "3:2", "16:9", "21:9", "9:16", "4:1", "1:8", "8:1")


def planned(prompt: str) -> Plan:
    return plan(imagine(prompt), EASEL_SMALL)


def test_defaults_are_the_models() -> None:
    """No flags: the model's own size, steps and guidance."""
    made = planned("a fox")
    assert (made.width, made.height, made.num_inference_steps) == (64, 64, EASEL_SMALL.num_inference_steps)
    assert made.guidance_scale == pytest.approx(EASEL_SMALL.guidance_scale)


EXAMPLE = Path(__file__).parents[2] / "models.example.toml"


@pytest.mark.parametrize("ratio", ["5:4", "4:3", "3:2", "16:9", "21:9", "9:16"])
@pytest.mark.parametrize("model", [EASEL_SMALL, *read_catalogue(EXAMPLE.read_text())], ids=lambda model: model.name)
def test_a_picture_has_the_ratio_that_was_asked_for(model: Model, ratio: str) -> None:
    """Within 3 %, whatever steps a model draws in: what is drawn is cut to it, and little is cut."""
    wide, high = map(int, ratio.split(":"))
    drawn = fit_size(model, wide, high)
    width, height = trimmed((drawn[0] * model.enlargement, drawn[1] * model.enlargement), (wide, high))
    assert width / height == pytest.approx(wide / high, rel=0.03)
    assert width * height >= 0.8 * drawn[0] * drawn[1] * model.enlargement**2


@pytest.mark.parametrize("ratio", ["1:1", "3:2", "2:3", "16:9", "7:1"])
def test_every_ratio_keeps_the_pixel_budget(ratio: str) -> None:
    """Sides are multiples of the model's step; the area stays within one step of the budget."""
    wide, high = map(int, ratio.split(":"))
    width, height = fit_size(replace(EASEL_SMALL, shortest_side=0), wide, high)
    assert width % EASEL_SMALL.size_multiple == height % EASEL_SMALL.size_multiple == 0
    assert 0.5 < width * height / EASEL_SMALL.pixels < 1.7
    assert (width > height) == (wide > high)


@pytest.mark.parametrize(
    ("ratio", "size"),
    [
        *(((1, 1), (64, 64)), ((3, 2), (96, 64)), ((2, 3), (64, 96)), ((16, 9), (112, 64)), ((1, 2), (64, 128))),
        *(((21, 9), (96, 48)), ((7, 1), (176, 32))),
    ],
)
def test_a_shortest_side_makes_long_pictures_larger(ratio: tuple[int, int], size: tuple[int, int]) -> None:
    """A thing in a wide picture is as large as in a square, up to twice the pixels; what is longer cannot have that."""
    assert fit_size(replace(EASEL_SMALL, shortest_side=64), *ratio) == size


def test_lower_quality_takes_fewer_steps() -> None:
    """`--q .25` < `--q .5` < 1 < 2; draft is cheaper still."""
    steps = [planned(f"a fox --q {quality}").num_inference_steps for quality in (".25", ".5", "1", "2")]
    assert steps == sorted(set(steps))


def test_quality_is_for_the_first_grid_only() -> None:
    """midjourney.md §2: variations take the usual steps."""
    job = variation(imagine("a fox --q .25"), 0, Strength.SUBTLE, press())
    assert plan(job, EASEL_SMALL).num_inference_steps == EASEL_SMALL.num_inference_steps


def test_a_sheet_is_drawn_in_few_steps_and_as_a_draft_in_no_fewer_than_a_draft() -> None:
    """Half of the steps; `--draft` takes its own share, not a share of that, and a student its own steps."""
    usual = EASEL_SMALL.num_inference_steps
    sheet = replace(imagine("a fox --v 7"), request=Drafts())
    assert plan(sheet, EASEL_SMALL).num_inference_steps == round(usual * 0.5)
    assert plan(sheet, EASEL_SMALL).cost == pytest.approx(planned("a fox").cost * SHEET_SIZE / 4 / 2, rel=0.2)
    draft = replace(imagine("a fox --draft --v 7"), request=Drafts())
    assert plan(draft, replace(EASEL_SMALL, student=None)).num_inference_steps == round(usual * 0.4)
    assert plan(draft, TAUGHT).num_inference_steps == 4
    assert plan(replace(sheet, request=Styles()), EASEL_SMALL).num_inference_steps == usual


@pytest.mark.parametrize("request_", [Drafts(), Styles()])
def test_a_sheet_follows_only_a_map_that_a_model_sees_by_itself(request_: Request) -> None:
    """Nothing is laid out twenty-four times; it is said, and a ControlNet follows the map there too."""
    job = replace(imagine("a fox --map https://example.org/map.png"), request=request_)
    with pytest.raises(UserError) as caught:
        plan(job, EASEL_SMALL)
    assert caught.value.kind == "map_not_supported"
    assert "sheet" in describe(caught.value)[1]
    assert plan(job, replace(EASEL_SMALL, controlnets={"seg": "somewhere"})).steers


def test_stylize_raises_guidance() -> None:
    """0 < 100 (the model's own) < 1000."""
    scales = [planned(f"a fox --s {stylize}").guidance_scale for stylize in (0, 50, 100, 250, 1000)]
    assert scales == sorted(set(scales))
    assert scales[2] == pytest.approx(EASEL_SMALL.guidance_scale)


TAUGHT = replace(EASEL_SMALL, student=Student("student", 4, "ddim"))


@pytest.mark.parametrize("flag", ["--draft --v 7", "--turbo --v 7", "--draft --ar 3:2 --chaos 20 --v 7"])
def test_a_student_draws_drafts_and_turbo(flag: str) -> None:
    """In its own few steps, with its own sampler, without guidance."""
    made = plan(imagine(f"a fox {flag}"), TAUGHT)
    assert (made.student, made.num_inference_steps, made.sampler, made.guidance_scale) == (True, 4, "ddim", 1.0)
    assert not plan(imagine(f"a fox {flag}"), replace(EASEL_SMALL, student=None)).student


@pytest.mark.parametrize("flag", ["--v 7", "--draft --no hat --v 7", "--draft --s 400 --v 7", "--draft --raw --v 7"])
def test_what_works_by_guidance_is_not_for_a_student(flag: str) -> None:
    """Whoever asks for more than a plain prompt gets the model itself, as a draft in fewer steps."""
    made = plan(imagine(f"a fox {flag}"), TAUGHT)
    assert not made.student
    assert made.guidance_scale > 1
    assert made.sampler == EASEL_SMALL.sampler


def test_a_picture_of_a_draft_is_drawn_as_its_grid_was() -> None:
    """A single picture drawn again has to be that of the grid; a picture made from another one needs the model,
    unless it moves as it was drawn: from noise, and not as a seamless tile."""
    grid = imagine("a fox --draft --v 7")
    assert plan(upscale(grid, 0, press()), TAUGHT).student
    assert plan(variation(grid, 0, Strength.SUBTLE, press()), TAUGHT).student
    assert not plan(follow(upscale(grid, 0, press()), Action.ZOOM_2, press()), TAUGHT).student
    assert plan(follow(upscale(grid, 0, press()), Action.ANIMATE_LOW, press()), TAUGHT).student
    tile = imagine("a fox --turbo --tile --v 6.1")
    assert not plan(follow(upscale(tile, 0, press()), Action.ANIMATE_LOW, press()), TAUGHT).student


def test_the_price_follows_the_work() -> None:
    """A single picture costs a quarter of a grid, an early stop what it ran."""
    grid = imagine("a fox")
    assert plan(upscale(grid, 0, press()), EASEL_SMALL).cost * 4 == pytest.approx(plan(grid, EASEL_SMALL).cost)
    assert planned("a fox --stop 50").cost == pytest.approx(planned("a fox").cost / 2)
    assert planned("a fox --map https://example.org/map.png").cost > 2 * planned("a fox").cost


@pytest.mark.parametrize("flag", ["--p abc", "--hd --v 8.1"])
def test_what_a_model_cannot_do_is_refused_by_name(flag: str) -> None:
    """Never silently ignored."""
    with pytest.raises(UserError) as caught:
        planned(f"a fox {flag}")
    assert caught.value.kind == "parameter_not_supported"
    _, description = describe(caught.value)
    assert "Easel Small" in description


def test_a_style_the_model_does_not_have_is_refused() -> None:
    """`--style raw` means something here, the styles of other models do not."""
    assert planned("a fox --style raw").guidance_scale < planned("a fox").guidance_scale
    with pytest.raises(UserError, match="--style cute"):
        planned("a fox --niji 5 --style cute")


def test_an_extreme_ratio_is_refused() -> None:
    """Version 7 reads any ratio, but no model is asked for more than 14:1, which all of them are."""
    longest = planned("a fox --ar 14:1")
    assert (longest.width, longest.height) == (240, 16)  # as near as multiples of 8 come
    with pytest.raises(UserError) as caught:
        planned("a fox --ar 15:1 --v 7")
    assert caught.value.kind == "ratio_too_extreme"


@pytest.mark.parametrize(("width", "height", "ratio"), [(1200, 800, (3, 2)), (640, 1139, (9, 16)), (3000, 90, (14, 1))])
def test_an_edit_takes_the_shape_of_its_picture(width: int, height: int, ratio: tuple[int, int]) -> None:
    """At the price that it was accepted at, as the model draws about as many pixels; words that say a ratio win."""
    job = imagine("red --edit https://example.com/a.png")
    assert awaits_shape(job)
    model = replace(EASEL_SMALL, shortest_side=0)
    made = shaped(job, width, height, model)
    assert (made.prompt.parameters.aspect, made.prompt.echo) == (ratio, job.prompt.echo)
    assert made.plan is not None
    assert made.plan.width / made.plan.height == pytest.approx(ratio[0] / ratio[1], rel=0.15)
    assert made.plan.cost == pytest.approx(plan(job, model).cost, rel=0.1)
    assert not awaits_shape(made)
    assert not awaits_shape(imagine("red --ar 1:1 --edit https://example.com/a.png"))
    assert not awaits_shape(imagine("red"))


def test_a_version_nobody_offers_is_refused_with_those_that_are() -> None:
    """The catalogue decides what can be done here."""
    catalogue = Catalogue((replace(EASEL_SMALL, versions=("6.1", "7")),))
    assert catalogue.resolve("7").name == "easel-small"
    with pytest.raises(UserError) as caught:
        catalogue.resolve("5")
    assert caught.value.values == {"version": "5", "offered": "7, 6.1"}


def test_a_model_is_found_by_name() -> None:
    """One that was taken away is named."""
    assert DEFAULT_CATALOGUE.named("easel-small") is DEFAULT_CATALOGUE.asked_for("easel-small") is EASEL_SMALL
    with pytest.raises(UserError, match="model_not_offered"):
        DEFAULT_CATALOGUE.named("gone")
    with pytest.raises(UserError, match="model_not_found"):
        DEFAULT_CATALOGUE.asked_for("gone")


def test_a_kind_that_a_model_cannot_do_is_neither_offered_nor_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A button is shown where the model honours what its kind needs; an old one that is pressed anyway is refused."""
    monkeypatch.setattr(Variation, "needs", frozenset({"tile"}))
    grid, deaf = imagine("a fox"), replace(EASEL_SMALL, honours=EASEL_SMALL.honours - {"tile"})
    assert len(result_buttons(grid, EASEL_SMALL.honours)) == 2
    [row] = result_buttons(grid, deaf.honours)
    assert [isinstance(one, Button) and (one.label or one.emoji) for one in row] == ["U1", "U2", "U3", "U4", "🔄"]
    varied = variation(grid, 0, Strength.SUBTLE, press())
    assert plan(varied, EASEL_SMALL).cost > 0
    with pytest.raises(UserError, match="kind_not_supported"):
        plan(varied, deaf)
    assert Catalogue((deaf,)).honours(grid.model) == deaf.honours
    assert Catalogue((deaf,)).honours("gone") == frozenset()


def test_links_are_counted_in_the_answer() -> None:
    """More than a model is shown is refused at once, and the first that is too many is named."""
    links = " ".join(f"https://example.org/{number}.png" for number in range(MAX_PICTURES + 1))
    with pytest.raises(UserError, match="too_many") as caught:
        check(parse(f"{links} a fox").prompts[0], EASEL_SMALL, Imagine())
    assert f"/{MAX_PICTURES}.png" in str(caught.value.values["link"])
    check(parse(f"{links.rpartition(' ')[0]} a fox").prompts[0], EASEL_SMALL, Imagine())


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("a fox --p abc --v 6.1", "--p"),
        ("a fox --personalize abc", "--personalize"),
        ("a fox --hd --v 8.1", "--hd"),
    ],
)
def test_a_refusal_names_the_flag_as_typed(text: str, flag: str) -> None:
    """Not by what it is called inside; without it the prompt runs."""
    with pytest.raises(UserError, match="parameter_not_supported") as caught:
        check(parse(text).prompts[0], EASEL_SMALL, Imagine())
    assert caught.value.values["parameter"] == flag
    shorter = without(text, str(caught.value.values["field"]))
    assert shorter is None or flag not in shorter


def test_the_same_link_twice_is_refused_in_the_answer() -> None:
    """Midjourney's words for it; the same picture beside words may count twice."""
    for text in ("https://a.org/a.png https://a.org/a.png", "red --edit https://a.org/a.png https://a.org/a.png"):
        with pytest.raises(UserError, match="duplicate_images") as caught:
            check(parse(text).prompts[0], EASEL_SMALL, Imagine())
        assert describe(caught.value)[0] == "Duplicate images detected"
    check(parse("https://a.org/a.png https://a.org/a.png a fox").prompts[0], EASEL_SMALL, Imagine())


def test_hd_draws_four_times_the_pixels() -> None:
    """Where a model can: twice the side, and so much more to pay. `--sd` is what there is without it."""
    able = replace(EASEL_SMALL, honours=EASEL_SMALL.honours | {"hd"})
    hd, sd = plan(imagine("a fox --hd"), able), plan(imagine("a fox --sd"), able)
    assert (hd.width, hd.height) == (2 * sd.width, 2 * sd.height)
    assert hd.cost == pytest.approx(4 * sd.cost)


GROWING = [
    Action.UPSCALE_SUBTLE, Action.UPSCALE_CREATIVE, Action.UPSCALE_2X, Action.UPSCALE_4X, Action.MAKE_SQUARE,
    Action.PAN_LEFT, Action.PAN_UP, Action.ZOOM_2, Action.VARY_REGION,
]  # fmt: skip


@pytest.mark.parametrize("words", [f"a fox --ar {ratio}{v}" for ratio in RATIOS for v in ("", " --v 5.2")])
def test_a_button_that_would_be_refused_for_the_size_is_not_shown(words: str) -> None:
    """However often a picture is made larger and longer, in any order: each button under it is accepted, and those
    that stand there no longer are refused in a sentence."""
    chance, refused, unknown = random.Random(words), 0, describe(UserError("there is no such kind"))[0]
    for walk in range(6):
        single = upscale(imagine(words), 0, press())
        for step in range(8):
            shown = {button.action for button in read_buttons(single)} & set(GROWING)
            for action in GROWING:
                pressed = press(interaction=100 * walk + 10 * step)
                if action in shown:
                    plan(follow(single, action, pressed), EASEL_SMALL)
                else:
                    refused += 1
                    with pytest.raises(UserError) as refusal:
                        plan(follow(single, action, pressed), EASEL_SMALL)
                    assert describe(refusal.value)[0] != unknown
            grown = follow(single, chance.choice(sorted(shown, key=GROWING.index)), press(interaction=1000 + step))
            single = grown if grown.request.under is Under.SINGLE else upscale(grown, 0, press(interaction=2000 + step))
    assert refused


@pytest.mark.parametrize("ratio", RATIOS)
def test_a_picture_of_any_ratio_can_be_made_four_times_as_wide(ratio: str) -> None:
    """5:4 is 0.02 % larger than a square in whole pixels: that is no growth."""
    single = upscale(imagine(f"a fox --ar {ratio} --v 5.2"), 0, press())
    assert Action.UPSCALE_4X in {button.action for button in read_buttons(single)}
    plan(follow(single, Action.UPSCALE_4X, press()), EASEL_SMALL)


def read_buttons(job: Job) -> list[ButtonId]:
    return [read_custom_id(button.custom_id) for row in buttons(job) for button in row]
