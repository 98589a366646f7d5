"""Model folders of every family and of every kind of files: loaded as they are, or refused with a sentence."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from benchmarks.stock import save
from model import tiny
from model.components import Bundle
from model.drawing import generate
from model.errors import ModelError
from model.families import FAMILIES
from model.loading import Source, load
from model.request import Pixels, text_to_image
from tests.model.conftest import assert_same_pictures, level_difference
from tests.model.families.test_stock import asked, bundle_of, look_at_small_pictures  # noqa: F401 (a fixture)


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - {"unconditional"}))
def test_a_folder_gives_the_model_that_was_saved(name: str, tmp_path: Path) -> None:
    """Every family: its parts are known by the index alone, and it draws what it drew before it was saved."""
    bundle = bundle_of(name)
    loaded = load(save(bundle, tmp_path / "model"))
    assert type(loaded.family) is type(bundle.family)
    assert loaded.family.guidance is bundle.family.guidance
    request = asked(bundle)
    assert_same_pictures(generate(loaded, request), generate(bundle, request))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Stable Diffusion as a folder; tests copy it before they damage it."""
    return save(bundle_of("stable-diffusion"), tmp_path_factory.mktemp("saved") / "model")


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


def a_picture(bundle: Bundle) -> list[Pixels]:
    return generate(bundle, text_to_image("a", seed=1, size=(32, 32), images=1, num_inference_steps=2))


def test_weights_in_half_precision_only(tmp_path: Path) -> None:
    """As many repositories have them (`*.fp16.safetensors`): asked for, or taken because they are all there is."""
    bundle = bundle_of("stable-diffusion")
    folder = save(bundle, tmp_path / "model", variant="fp16")
    assert not (folder / "unet" / "diffusion_pytorch_model.safetensors").exists()
    for variant in ("", "fp16"):
        assert level_difference(a_picture(load(Source(str(folder), variant=variant))), a_picture(bundle)) <= 1
    with pytest.raises(ModelError, match="no variant “bf16” of unet, only fp16"):
        load(Source(str(folder), variant="bf16"))


def test_shards(tmp_path: Path) -> None:
    """Weights in several files; a shard that is missing, of another kind or elsewhere is named before it is read."""
    bundle = bundle_of("stable-diffusion")
    folder = save(bundle, tmp_path / "model", max_shard_size="100KB")
    [index] = (folder / "unet").glob("*.index.json")
    assert_same_pictures(a_picture(load(folder)), a_picture(bundle))
    content = json.loads(index.read_text())
    key = next(iter(content["weight_map"]))
    for name in ("../evil.safetensors", "weights.bin", "gone.safetensors"):
        index.write_text(json.dumps({**content, "weight_map": {**content["weight_map"], key: name}}))
        with pytest.raises(ModelError, match=name.removeprefix("../")):
            load(folder)
    index.write_text("{}")
    with pytest.raises(ModelError, match="no weight_map"):
        load(folder)


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "null",
        '{"unet": ["diffusers", ["a"]]}',
        '{"unet": ["diffusers"]}',
        '{"unet": {"a": 1}}',
        '{"unet": ["diffusers", 7]}',
        "{}",
        '{"unet": [null, null]}',
        "\x00",
    ],
)
def test_an_index_of_any_shape(folder: Path, content: str) -> None:
    """Gives a sentence, never a library's error."""
    (folder / "model_index.json").write_text(content)
    with pytest.raises(ModelError, match=r"model_index\.json|neither a unet"):
        load(folder)


def pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n")


def as_pickle(path: Path) -> None:
    torch.save(load_file(path), path.with_suffix(".bin"))
    path.unlink()


def without_a_weight(path: Path) -> None:
    tensors = load_file(path)
    tensors.pop(sorted(tensors)[0])
    save_file(tensors, path)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:500])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (pointer, "Git LFS pointer.*git lfs pull"),
        (as_pickle, "only .*bin, which may hold code.*as safetensors"),
        (without_a_weight, "lacks weights"),
        (cut_off, "damaged"),
        (Path.unlink, r"has no .*/\*\.safetensors"),
    ],
)
@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_damaged_weights(folder: Path, part: str, damage: Callable[[Path], None], words: str) -> None:
    """Whatever part: one sentence that says what and, where the operator can help it, what to do."""
    [weights] = (folder / part).glob("*.safetensors")
    damage(weights)
    with pytest.raises(ModelError, match=words):
        load(folder)


def test_missing_parts(folder: Path) -> None:
    """A tokenizer that is not there, or that the index does not name."""
    shutil.rmtree(folder / "tokenizer")
    with pytest.raises(ModelError, match="has no tokenizer, without which no prompt"):
        load(folder)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({k: v for k, v in index.items() if k != "tokenizer"}))
    with pytest.raises(ModelError, match="no tokenizer, which a stable-diffusion model needs"):
        load(folder)


def test_an_autoencoder_of_another_model_is_refused(folder: Path, tmp_path: Path) -> None:
    """Its latents have other channels than the denoiser's."""
    other = save(bundle_of("stable-diffusion-3"), tmp_path / "other")
    with pytest.raises(ModelError, match="16 channels, the denoiser takes 4"):
        load(Source(str(folder), vae=str(other / "vae")))


def test_another_autoencoder(folder: Path, tmp_path: Path) -> None:
    """Is taken instead of the model's own, from its own folder or from a model's; the fingerprint says so."""
    other = save(tiny.bundle("stable-diffusion", 5), tmp_path / "other")
    own = load(folder)
    for place in (other, other / "vae"):
        changed = load(Source(str(folder), vae=str(place)))
        assert changed.fingerprint != own.fingerprint
        assert level_difference(a_picture(changed), a_picture(own)) > 1


def test_a_changed_schedule(folder: Path) -> None:
    """Few-step relatives are shipped as a base model with another UNet; the schedule is said beside it."""
    own, trailing = load(folder), load(Source(str(folder), schedule={"timestep_spacing": "trailing"}))
    assert trailing.scheduler_config["timestep_spacing"] == "trailing"
    assert own.fingerprint != trailing.fingerprint
    assert level_difference(a_picture(own), a_picture(trailing)) > 1


def test_no_code_is_fetched_for_attention(folder: Path) -> None:
    """A config that names a kernel of a hub is read without it."""
    path = folder / "text_encoder" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "attn_implementation": "kernels-community/flash-attn"}))
    assert_same_pictures(a_picture(load(folder)), a_picture(bundle_of("stable-diffusion")))


def test_textual_inversions(folder: Path, tmp_path: Path) -> None:
    """A word stands for embeddings of its own: two of them give what two tokens with these embeddings give."""
    file = tmp_path / "style.safetensors"
    encoder = bundle_of("stable-diffusion").parts.modules["text_encoder"]
    tokenizer = bundle_of("stable-diffusion").parts.modules["tokenizer"]
    letters = tokenizer("a b", add_special_tokens=False).input_ids
    save_file({"emb_params": encoder.get_input_embeddings().weight.data[letters].clone()}, file)
    taught = load(Source(str(folder), inversions={"<style>": str(file)}))
    prompts = [bundle.condition(text) for bundle, text in ((taught, "x <style> y"), (load(folder), "x a b y"))]
    assert prompts[0] is not None
    assert prompts[1] is not None
    assert torch.allclose(prompts[0].hidden, prompts[1].hidden, atol=1e-5)
    save_file({"emb_params": torch.zeros(1, 5)}, file)
    for word, reason in (("<style>", "trained for another model"), ("two words", "one word")):
        with pytest.raises(ModelError, match=reason):
            load(Source(str(folder), inversions={word: str(file)}))


def test_a_broken_autoencoder_draws_no_black_grid(folder: Path) -> None:
    """diffusers#4325: an autoencoder whose last bias is no number, or so large that all is one colour."""
    [weights] = (folder / "vae").glob("*.safetensors")
    tensors = load_file(weights)
    red, nothing = torch.tensor([1e6, -1e6, -1e6]), torch.full((3,), float("nan"))
    for bias, words in ((nothing, "numbers that are none"), (torch.full((3,), 1e6), "one colour"), (red, "one colour")):
        save_file({**tensors, "decoder.conv_out.bias": bias}, weights)
        with pytest.raises(ModelError, match=words):
            a_picture(load(folder))
