"""All stages on a handful of pictures, and everything that is refused before work starts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel

from model.drawing import generate
from model.loading import Source, load
from model.request import IPAdapterUse, text_to_image
from model.towers import Towers
from model.training import __main__ as command
from model.training.compose import Scene
from model.training.folder import MARKER, TrainingError, check_weights, open_run
from model.training.lessons import Phrasebook
from model.training.nouns import CORE, FADED, LATER, UNSURE
from model.training.recipe import RECIPES, Recipe
from model.training.run import Run, mix_weights
from model.training.stages import STAGES, plain_caption, practise, run_stages
from model.training.text_encoder import TABLE, read_layers

SECONDS = 6 / 60  # minutes of training for all stages together


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run from icons to weights, from nothing."""
    return tmp_path_factory.mktemp("trained")


@pytest.fixture
def run(trained: Path, icons_file: Path, tiny: Recipe) -> Run:
    run = Run(out=trained / "run", recipe=tiny, device="cpu", icons=icons_file)
    if not (trained / "run" / "model").exists():
        run_stages(run, STAGES, SECONDS)
    return run


def test_a_whole_run_ends_in_a_folder_that_the_stock_pipeline_draws_from(run: Run) -> None:
    check_weights(run.out / "model")
    assert not [path for path in (run.out / "model").glob("*/config.json") if "_name_or_path" in path.read_text()]
    pipeline = DiffusionPipeline.from_pretrained(run.out / "model", local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    picture = pipeline("a red apple", num_inference_steps=2, generator=torch.Generator().manual_seed(0)).images[0]

    assert picture.size == (32, 32)
    assert type(pipeline).__name__ == "StableDiffusionPipeline"
    assert pipeline.scheduler.config.prediction_type == "v_prediction"
    assert pipeline.vae.config.scaling_factor != 1.0


def test_the_exported_towers_compare_captions_with_pictures(run: Run) -> None:
    towers = Towers.load(run.out / "model")
    with torch.no_grad():
        vectors = towers.embed_pixels(torch.zeros(2, 3, 32, 32))

    assert vectors.shape == (2, run.recipe.embedding)


def test_the_notice_names_every_set(run: Run) -> None:
    notice = (run.out / "model" / "NOTICE").read_text()

    for name in (
        "Twitter",
        "EmojiOne",
        "Streamline",
        "Google",
        "Microsoft",
        "Mozilla",
        "CC-BY-4.0",
        "Johan Melin",
        "Princeton",
    ):
        assert name in notice


def test_a_finished_run_resumes_without_training_again(run: Run) -> None:
    before = {path: path.read_bytes() for path in sorted((run.out / "model").rglob("*.safetensors"))}
    run_stages(run, STAGES, SECONDS)

    assert before
    assert {path: path.read_bytes() for path in sorted((run.out / "model").rglob("*.safetensors"))} == before


def test_the_exported_folder_has_a_student_and_an_adapter_for_pictures(run: Run) -> None:
    """Both load as an operator's own would, and the student draws another picture than its teacher."""
    folder = run.out / "model"
    adapters = {"likeness": (str(folder / "ip_adapter" / "ip_adapter.safetensors"), str(folder / "image_encoder"))}
    bundle = load(Source(str(folder), student="student", ip_adapters=adapters))
    asked: dict[str, Any] = {
        "seed": 1,
        "size": bundle.native_size,
        "images": 1,
        "num_inference_steps": 4,
        "guidance_scale": 1.0,
    }
    plain, quick = (text_to_image("a red apple", **asked, student=student) for student in (False, True))
    picture = np.full((32, 32, 3), 200, np.uint8)
    alike = text_to_image("a red apple", **asked, controls=[IPAdapterUse("likeness", picture, 1.0)])

    drawn = [generate(bundle, request)[0] for request in (plain, quick, alike)]
    like, nothing = bundle.adapters.ip_adapters["likeness"].tokens(picture)
    assert not np.array_equal(drawn[0], drawn[1])
    assert drawn[2].shape == drawn[0].shape
    assert not torch.allclose(like, nothing)


def test_a_run_from_given_weights_keeps_their_encoder_and_their_words(
    run: Run, tmp_path: Path, icons_file: Path
) -> None:
    again = Run(out=tmp_path / "again", recipe=run.recipe, device="cpu", icons=icons_file, init=run.out / "model")
    run_stages(again, STAGES, SECONDS)
    first, second = (
        DiffusionPipeline.from_pretrained(one.out / "model", local_files_only=True) for one in (run, again)
    )

    torch.testing.assert_close(second.vae.encoder.state_dict(), first.vae.encoder.state_dict())
    tables = [one.text_encoder.get_input_embeddings().weight for one in (first, second)]
    torch.testing.assert_close(*tables)
    assert not torch.equal(second.unet.conv_in.weight, first.unet.conv_in.weight)


def test_a_stage_alone_says_what_it_lacks(tmp_path: Path, icons_file: Path, tiny: Recipe) -> None:
    run = Run(out=tmp_path / "run", recipe=tiny, device="cpu", icons=icons_file)
    run_stages(run, ("data",), 1)

    with pytest.raises(TrainingError, match=r"There is no vae .* run the stage 'autoencoder' first, or give --init"):
        run_stages(run, ("denoiser",), 1)


def test_a_stage_without_pictures_says_so(tmp_path: Path, tiny: Recipe) -> None:
    with pytest.raises(TrainingError, match="run the stage 'data'"):
        run_stages(Run(out=tmp_path / "run", recipe=tiny, device="cpu"), ("autoencoder",), 1)


def test_a_foreign_folder_is_refused_and_left_alone(tmp_path: Path, tiny: Recipe, icons_file: Path) -> None:
    foreign = tmp_path / "home"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("dear aunt")

    with pytest.raises(TrainingError, match="not empty and is no training run of ours"):
        run_stages(Run(out=foreign, recipe=tiny, device="cpu", icons=icons_file), STAGES, 1)
    assert [path.name for path in foreign.iterdir()] == ["letter.txt"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")

    with pytest.raises(TrainingError, match="is a file; --out needs a folder"):
        open_run(tmp_path / "run", "tiny", 0)


def test_a_run_of_another_recipe_or_format_or_a_damaged_marker_is_refused(tmp_path: Path) -> None:
    open_run(tmp_path / "run", "small", 0)
    with pytest.raises(TrainingError, match="recipe 'small', not 'large'"):
        open_run(tmp_path / "run", "large", 0)

    marker = tmp_path / "run" / MARKER
    marker.write_text(json.dumps({"format": 99, "recipe": "small"}))
    with pytest.raises(TrainingError, match="format 99"):
        open_run(tmp_path / "run", "small", 0)

    marker.write_text("{")
    with pytest.raises(TrainingError, match="is damaged"):
        open_run(tmp_path / "run", "small", 0)


def test_too_little_disk_is_refused_before_anything_is_written(
    tmp_path: Path, tiny: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=1000))

    with pytest.raises(TrainingError, match=r"0\.0 GB free; this run needs about 0\.6 GB"):
        run_stages(Run(out=tmp_path / "run", recipe=tiny, device="cpu"), STAGES, 1)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda model: shutil.rmtree(model / "unet"), r"incomplete: unet/diffusion_pytorch_model\.safetensors"),
        (lambda model: (model / "model_index.json").unlink(), r"holds no model"),
        (lambda model: (model / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"xx"), r"damaged: vae/"),
        (lambda model: (model / "tokenizer" / "tokenizer.json").write_text("{"), r"damaged: tokenizer/"),
    ],
)
def test_missing_or_damaged_weights_to_start_from_are_named(
    run: Run, tmp_path: Path, damage: Callable[[Path], object], complaint: str
) -> None:
    copy = tmp_path / "model"
    shutil.copytree(run.out / "model", copy)
    damage(copy)

    with pytest.raises(TrainingError, match=complaint):
        run_stages(replace(run, out=tmp_path / "new", init=copy), STAGES, 1)
    assert not (tmp_path / "new").exists()


def checkpoint_of(run: Run, folder: Path) -> Path:
    """The unfinished parts of a run, as they are committed."""
    for part in ("vae", "unet"):
        shutil.copytree(run.out / "model" / part, folder / part)
    return folder


def test_a_run_goes_on_with_the_parts_of_a_checkpoint(run: Run, tmp_path: Path, icons_file: Path) -> None:
    """They come before the model to start from, and what they lack comes from it."""
    checkpoint = checkpoint_of(run, tmp_path / "checkpoint")
    again = Run(
        out=tmp_path / "again", recipe=run.recipe, device="cpu", icons=icons_file, init=run.out / "model",
        checkpoint=checkpoint,
    )  # fmt: skip
    assert again.source("autoencoder", "vae") == checkpoint / "vae"
    assert again.source("text", "tokenizer") == run.out / "model" / "tokenizer"
    run_stages(again, STAGES, SECONDS)

    pipeline = DiffusionPipeline.from_pretrained(again.out / "model", local_files_only=True)
    started = DiffusionPipeline.from_pretrained(run.out / "model", local_files_only=True)
    torch.testing.assert_close(pipeline.vae.encoder.state_dict(), started.vae.encoder.state_dict())
    assert not torch.equal(pipeline.unet.conv_in.weight, started.unet.conv_in.weight)


def test_the_denoiser_of_a_run_is_a_checkpoint_for_another(run: Run, tmp_path: Path) -> None:
    """In half precision, and without the table of tokens, which is that of the weights the run began from."""
    run_stages(run, ("checkpoint",), minutes=1)

    folder = run.out / "checkpoint"
    kept, unet = load_file(folder / "unet" / "diffusion_pytorch_model.safetensors"), run.out / "denoiser" / "unet"
    for name, tensor in UNet2DConditionModel.from_pretrained(unet).state_dict().items():
        torch.testing.assert_close(kept[name], tensor.half(), rtol=0, atol=0)
    tower = read_layers(folder / "text_encoder", run.out / "model").state_dict()
    learned = CLIPTextModel.from_pretrained(run.out / "denoiser" / "text_encoder").state_dict()
    assert all(torch.equal(tower[name], learned[name].half().float()) for name in learned if "position_ids" not in name)
    with pytest.raises(TrainingError, match="run the stage 'denoiser' first"):
        run_stages(replace(run, out=tmp_path / "another"), ("checkpoint",), minutes=1)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda folder: shutil.rmtree(folder), "holds no part of a model"),
        (lambda folder: (folder / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"x"), "damaged: vae/"),
        (lambda folder: (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink(), "incomplete: unet/"),
    ],
)
def test_a_checkpoint_that_cannot_be_used_is_refused(
    run: Run, tmp_path: Path, damage: Callable[[Path], object], complaint: str
) -> None:
    checkpoint = checkpoint_of(run, tmp_path / "checkpoint")
    damage(checkpoint)

    with pytest.raises(TrainingError, match=complaint):
        run_stages(replace(run, out=tmp_path / "new", checkpoint=checkpoint), STAGES, 1)
    assert not (tmp_path / "new").exists()


def layers_of(model: Path, folder: Path, factor: float) -> Path:
    """A checkpoint of a denoiser and of a text tower without its table of tokens: a model's weights times `factor`."""
    for part, name in (("unet", "diffusion_pytorch_model.safetensors"), ("text_encoder", "model.safetensors")):
        (folder / part).mkdir(parents=True)
        weights = load_file(model / part / name)
        weights = {key: tensor * factor for key, tensor in weights.items() if key != TABLE}
        save_file(weights, folder / part / name)
    shutil.copyfile(model / "unet" / "config.json", folder / "unet" / "config.json")
    return folder


def test_two_sets_of_weights_are_mixed_to_start_from(run: Run, tmp_path: Path) -> None:
    """Three quarters of weights that are twice as large, and a quarter of the others: 1.75 times as large."""
    model = run.out / "model"
    checkpoint = layers_of(model, tmp_path / "checkpoint", 2.0)
    begun = mix_weights(replace(run, out=tmp_path / "out", init=model, checkpoint=checkpoint, mix=0.75))

    assert begun.source("denoiser", "unet") == tmp_path / "out" / "start" / "unet"
    unet = UNet2DConditionModel.from_pretrained(model / "unet", dtype=torch.float32)
    mixed = UNet2DConditionModel.from_pretrained(begun.source("denoiser", "unet"), dtype=torch.float32)
    torch.testing.assert_close(mixed.conv_in.weight, 1.75 * unet.conv_in.weight)
    tower = read_layers(begun.source("text", "text_encoder"), model).state_dict()
    known = CLIPTextModel.from_pretrained(model / "text_encoder", dtype=torch.float32).state_dict()
    assert torch.equal(tower[TABLE], known[TABLE])
    name = next(key for key in known if key.endswith("mlp.fc1.weight"))
    torch.testing.assert_close(tower[name], 1.75 * known[name])


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused(run: Run, tmp_path: Path, share: float) -> None:
    told = replace(run, out=tmp_path / "new", init=run.out / "model", mix=share)
    with pytest.raises(TrainingError, match="--mix must be more than 0 and at most 1"):
        run_stages(told, STAGES, 1)
    assert not (tmp_path / "new").exists()


def test_what_cannot_be_mixed_is_refused(run: Run, tmp_path: Path) -> None:
    """One set of weights alone; another autoencoder, whose latents mean something else; layers of another shape."""
    model = run.out / "model"
    told = replace(run, out=tmp_path / "new", init=model, mix=0.5)
    with pytest.raises(TrainingError, match="give both --checkpoint and --init"):
        run_stages(told, STAGES, 1)
    with pytest.raises(TrainingError, match="two denoisers of the same latents"):
        run_stages(replace(told, checkpoint=checkpoint_of(run, tmp_path / "whole")), STAGES, 1)

    layers = layers_of(model, tmp_path / "layers", 1.0)
    path = layers / "text_encoder" / "model.safetensors"
    save_file({key: torch.zeros(3) for key in load_file(path)}, path)
    with pytest.raises(TrainingError, match=r"cannot be mixed: .* differs"):
        mix_weights(replace(told, checkpoint=layers))


def test_a_checkpoint_of_another_recipe_is_refused(run: Run, tmp_path: Path) -> None:
    checkpoint = checkpoint_of(run, tmp_path / "checkpoint")

    with pytest.raises(TrainingError, match=r"autoencoder in .* has another shape than the recipe 'small'"):
        run_stages(replace(run, out=tmp_path / "new", checkpoint=checkpoint, recipe=RECIPES["small"]), STAGES, 1)
    shutil.rmtree(checkpoint / "vae")
    with pytest.raises(TrainingError, match=r"denoiser in .* has another shape than the recipe 'small'"):
        run_stages(replace(run, out=tmp_path / "new", checkpoint=checkpoint, recipe=RECIPES["small"]), STAGES, 1)


def test_weights_of_another_size_are_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="choose the other --recipe or start without --init"):
        run_stages(replace(run, out=tmp_path / "new", init=run.out / "model", recipe=RECIPES["small"]), STAGES, 1)


def test_a_device_that_is_not_there_is_refused(tmp_path: Path, tiny: Recipe) -> None:
    with pytest.raises(TrainingError, match="'cuda:77' is not available"):
        run_stages(Run(out=tmp_path / "run", recipe=tiny, device="cuda:77"), STAGES, 1)


def test_without_npm_the_data_stage_says_what_to_install(
    tmp_path: Path, tiny: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "resvg_py", object())
    monkeypatch.setattr("model.training.run.shutil.which", lambda name: None)

    with pytest.raises(TrainingError, match=r"npm \(from Node\.js\), or give an icons\.zip"):
        run_stages(Run(out=tmp_path / "run", recipe=tiny, device="cpu"), STAGES, 1)


def test_the_command_line_reports_refusals_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "letter.txt").write_text("dear aunt")
    icons = tmp_path / "letter.txt"
    status = command.main(["all", "--out", str(tmp_path), "--minutes", "1", "--device", "cpu", "--icons", str(icons)])

    assert status == 1
    assert "is no training run of ours" in capsys.readouterr().err


def test_both_recipes_fit_the_size_limit_by_their_parameters() -> None:
    from model.training.autoencoder import build_autoencoder
    from model.training.denoiser import build_denoiser

    for recipe in RECIPES.values():
        parts = [build_autoencoder(recipe), build_denoiser(recipe)]
        count = sum(parameter.numel() for part in parts for parameter in part.parameters())
        assert 2 * (count + recipe.vocabulary * recipe.text_width) < 43_000_000, recipe.name


def test_the_run_folder_marks_itself(run: Run) -> None:
    assert json.loads((Path(run.out) / MARKER).read_text())["recipe"] == "tiny"


def test_half_of_what_is_practised_is_what_an_elder_knows_and_what_is_hard_comes_more_often() -> None:
    """Hard are styles and people, and one thing in a place most of all."""
    plain = Scene("a cat", (0,), (None,), None, None)
    two, placed = replace(plain, concepts=(0, 1)), replace(plain, place="forest")
    scenes = [plain, two, replace(placed, concepts=()), placed, replace(plain, style="neon"), placed]

    numbers = practise(scenes, [True, *[False] * 5])

    assert [numbers.count(number) for number in range(6)] == [11, 1, 2, 3, 2, 3]
    assert practise(scenes, [False] * 6).count(0) == 1  # without an elder every scene is drawn from
    unsure = practise(scenes, [False] * 6, unsure={1})
    assert [unsure.count(number) for number in range(6)] == [1, 3, 2, 3, 2, 3]


def test_what_never_came_out_is_learned_from_pictures_and_not_from_an_elder() -> None:
    """An elder's answers would keep it as it was."""
    assert set(UNSURE) <= set(FADED) <= {*CORE, *LATER}
    book = Phrasebook(("cat", UNSURE[0]), {}, {}, {})
    known = Scene("a cat", (0,), (None,), None, None)
    assert plain_caption(book, known) == "a cat"
    assert plain_caption(book, replace(known, caption=f"a {UNSURE[0]}", concepts=(1,))) is None
