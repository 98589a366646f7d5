"""`easel check`: yes or no, and why, before the first job; exit status 2 for no."""

from __future__ import annotations

import functools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from benchmarks.stock import save
from exchange.settings import read_settings
from model import tiny
from model.components import assemble
from model.families.stable_diffusion import StableDiffusion
from model.forecast import forecast
from model.loading import load
from worker import doctor, process
from worker.__main__ import app
from worker.settings import WorkerSettings
from worker.supervisor import EXIT_HOPELESS

FAMILIES = ("stable-diffusion", "stable-diffusion-xl", "stable-diffusion-3", "z-image", "sana", "unconditional")
"""Those whose tiny models draw small pictures."""
CATALOGUE = """
[[models]]
name = "tiny"
title = "Tiny"
family = "stable-diffusion"
licence = "none needed: random numbers"
source = "{folder}"
versions = ["*"]
pixels = 1024
size_multiple = 16
num_inference_steps = 5
guidance_scale = 4.0
sampler = "ddim"
honours = ["aspect"]
"""


@functools.cache
def saved(name: str, base: Path) -> Path:
    return save(tiny.bundle(name), base / name)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture
def folder(base: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved("stable-diffusion", base), tmp_path / "model"))


def check(model: str | Path) -> tuple[int, str]:
    """Exit status, and all that was said."""
    result = CliRunner().invoke(app, ["check", str(model)])
    return result.exit_code, result.output


@pytest.mark.parametrize("name", FAMILIES)
def test_right_models(name: str, base: Path) -> None:
    """Family, samplers, parts and memory, and the last line begins with yes."""
    status, said = check(saved(name, base))
    assert status == 0, said
    assert f"family: {name};" in said
    assert "yes: it loads and draws (fingerprint " in said
    assert "beside the weights" in said


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    """What a worker says that begins with these settings, which it cannot: its own part of `easel-worker start`."""

    def begin(**environment: str) -> str:
        for name, value in {"STATE_FOLDER": str(tmp_path / "state"), "DEVICE": "cpu", **environment}.items():
            monkeypatch.setenv(name, value)
        settings = read_settings(WorkerSettings)
        catalogue, offered = process.offer(settings)
        capsys.readouterr()

        def serve() -> None:
            with process.hopeless():
                doctor.before_loading(settings)
                process.open_engines(settings, catalogue, offered, "cpu", lambda event: None)

        with pytest.raises(SystemExit) as ended:
            serve()
        assert ended.value.code == EXIT_HOPELESS
        [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("easel-worker: ")]
        return line

    return begin


def edited(name: str, **changes: object) -> Callable[[Path], None]:
    """A change of a JSON file."""

    def edit(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return edit


def weights(part: str, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Callable[[Path], None]:
    """A change of a part's tensors."""

    def edit(folder: Path) -> None:
        [file] = (folder / part).glob("*.safetensors")
        save_file(change(load_file(file)), file)

    return edit


def pickled(folder: Path) -> None:
    [file] = (folder / "unet").glob("*.safetensors")
    file.rename(file.with_suffix(".bin"))


def pointers(folder: Path) -> None:
    for file in folder.glob("*/*.safetensors"):
        file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


def emptied(folder: Path) -> None:
    for file in folder.glob("vae/*.safetensors"):
        file.write_bytes(b"")


def sharded(change: Callable[[list[Path]], object]) -> Callable[[Path], None]:
    """The UNet in several files, and what becomes of them."""

    def edit(folder: Path) -> None:
        shutil.rmtree(folder / "unet")
        tiny.bundle("stable-diffusion").denoiser.save_pretrained(folder / "unet", max_shard_size="1MB")
        change(sorted((folder / "unet").glob("*.safetensors")))

    return edit


def tokenizer(length: int, *more: str) -> Callable[[Path], None]:
    """Another CLIP's tokenizer: it cuts prompts elsewhere, or knows more words."""

    def edit(folder: Path) -> None:
        from model.tiny_parts import clip_tokenizer

        other = clip_tokenizer(length)
        other.add_tokens(list(more))
        other.save_pretrained(folder / "tokenizer")

    return edit


def whole_numbers(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key: value.to(torch.int8) for key, value in tensors.items()}


def scaled(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """As other programs write fp8: a scale beside each weight, which diffusers would leave out."""
    return {**tensors, "conv_in.scale_weight": torch.tensor(3.0)}


def without_a_word(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A word whose vector is no numbers, and that no first picture is drawn of."""
    [table] = [key for key in tensors if "token_embedding" in key]
    tensors[table][35] = float("nan")
    return tensors


def fewer_layers(folder: Path) -> None:
    """A UNet of two transformer blocks in a row, whose config says one."""
    parts = StableDiffusion.tiny(transformer_layers_per_block=2)
    parts.modules["unet"].save_pretrained(folder / "unet")
    edited("unet/config.json", transformer_layers_per_block=1)(folder)


def index_of(file: str) -> Callable[[Path], None]:
    """An index of shards, one of which is `file`."""

    def edit(folder: Path) -> None:
        index = {"metadata": {}, "weight_map": {"conv_in.weight": file}}
        (folder / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))

    return edit


def dangling(folder: Path) -> None:
    [file] = (folder / "unet").glob("*.safetensors")
    file.unlink()
    file.symlink_to(folder / "gone")


def circle(folder: Path) -> None:
    (folder / "unet" / "config.json").unlink()
    (folder / "unet" / "config.json").symlink_to(folder / "unet" / "config.json")


def text_encoder_of_xl(folder: Path) -> None:
    from model.tiny_parts import clip

    shutil.rmtree(folder / "text_encoder")
    clip("CLIPTextModel", 48).save_pretrained(folder / "text_encoder")


def renamed_pickle(folder: Path) -> None:
    torch.save({"a": torch.zeros(2)}, next((folder / "vae").glob("*.safetensors")))


def retyped(file: Path) -> None:
    """A header that says half of the bytes that there are."""
    file.write_bytes(file.read_bytes().replace(b'"F32"', b'"F16"'))


def few_words(folder: Path) -> None:
    """A tokenizer that was cut down: most of what is typed is unknown to it."""
    path = folder / "tokenizer" / "tokenizer.json"
    content = json.loads(path.read_text())
    words = content["model"]["vocab"]
    content["model"]["vocab"] = {word: number for number, word in enumerate(list(words)[:10])}
    path.write_text(json.dumps(content))


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no index": (lambda folder: (folder / "model_index.json").unlink(), "has no model_index.json"),
    "index of nonsense": (lambda folder: (folder / "model_index.json").write_text("["), "cannot be read"),
    "no unet": (edited("model_index.json", unet=[None, None]), "neither a unet nor a transformer"),
    "foreign class": (edited("model_index.json", unet=["os", "system"]), "cannot drive a system"),
    "foreign text encoder": (edited("model_index.json", text_encoder=["x", "Evil"]), "cannot load a Evil"),
    "foreign autoencoder": (edited("model_index.json", vae=["x", "VQModel"]), "cannot load a VQModel"),
    "no tokenizer folder": (lambda folder: shutil.rmtree(folder / "tokenizer"), "has no tokenizer"),
    "tokenizer of nonsense": (lambda folder: (folder / "tokenizer" / "tokenizer.json").write_text("[]"), "tokenizer"),
    "no scheduler": (lambda folder: shutil.rmtree(folder / "scheduler"), "scheduler/scheduler_config.json"),
    "no unet config": (lambda folder: (folder / "unet" / "config.json").unlink(), "has no unet/config.json"),
    "pickle only": (pickled, "may hold code"),
    "LFS pointers": (pointers, "Git LFS pointer"),
    "empty weights": (emptied, "damaged: vae"),
    "missing weight": (weights("unet", lambda tensors: dict(list(tensors.items())[1:])), "lacks weights"),
    "other shapes": (edited("vae/config.json", latent_channels=8), "damaged: vae"),
    "eight channels": (edited("unet/config.json", in_channels=8), "damaged: unet|takes 8 channels"),
    "unknown addition": (edited("unet/config.json", addition_embed_type="image_hint"), "of a kind that Easel cannot"),
    "scheduler of nonsense": (
        lambda folder: (folder / "scheduler" / "scheduler_config.json").write_text("7"),
        "scheduler_config.json is not an object",
    ),
    "schedule without steps": (edited("scheduler/scheduler_config.json", num_train_timesteps=0), "noise schedule"),
    "schedule of words": (edited("scheduler/scheduler_config.json", beta_start="little"), "noise schedule"),
    "unknown prediction": (edited("scheduler/scheduler_config.json", prediction_type="wish"), "noise schedule"),
    "unet config of words": (edited("unet/config.json", block_out_channels="wide"), "damaged: unet"),
    "index of another kind": (edited("model_index.json", unet="UNet2DConditionModel"), "neither a unet"),
    "cut weights": (
        lambda folder: next((folder / "unet").glob("*.safetensors")).write_bytes(
            next((folder / "unet").glob("*.safetensors")).read_bytes()[:5000]
        ),
        "damaged: unet",
    ),
    "tokenizer of another size": (edited("text_encoder/config.json", vocab_size=10), "damaged: text_encoder"),
    "unet of another text": (edited("unet/config.json", cross_attention_dim=16), "damaged: unet"),
    "cut shard": (sharded(lambda files: files[-1].write_bytes(files[-1].read_bytes()[:2000])), "damaged: unet"),
    "lost shard": (sharded(lambda files: files[0].unlink()), "00001-of-.* is missing"),
    "a shard twice": (sharded(lambda files: shutil.copy(files[0], files[1])), "lacks weights"),
    "shards without index": (
        sharded(lambda files: next(files[0].parent.glob("*.index.json")).unlink()),
        "no index of its shards",
    ),
    "whole numbers": (weights("unet", whole_numbers), "quantised weights in a layout that Easel does not read"),
    "scaled fp8": (weights("unet", scaled), r"does not read \(conv_in.scale_weight\)"),
    "quantised by another": (
        edited("unet/config.json", quantization_config={"quant_method": "bitsandbytes"}),
        "was quantised by bitsandbytes, which Easel does not read",
    ),
    "tokenizer of more words": (tokenizer(16, "one", "two"), "has 82 words and the text_encoder knows 80"),
    "tokenizer of longer prompts": (tokenizer(77), "cuts prompts at 77 tokens, the text_encoder reads 16"),
    "no tokenizer config": (
        lambda folder: (folder / "tokenizer" / "tokenizer_config.json").unlink(),
        "does not say where it cuts prompts",
    ),
    "size of words": (edited("unet/config.json", sample_size="big"), "have the side 'big'"),
    "no scale": (edited("vae/config.json", scaling_factor=None), "its scaling_factor is None"),
    "unknown spacing": (edited("scheduler/scheduler_config.json", timestep_spacing="sideways"), "sideways is not"),
    "steps without number": (edited("scheduler/scheduler_config.json", num_train_timesteps=10**9), "noise schedule"),
    "betas that are none": (edited("scheduler/scheduler_config.json", beta_end=float("nan")), "its beta_end is nan"),
    "betas too large": (edited("scheduler/scheduler_config.json", beta_end=5), "its beta_end is 5"),
    "scheduler of a number": (edited("scheduler/scheduler_config.json", _class_name=7), "its _class_name is 7"),
    "scheduler of flow": (
        edited("scheduler/scheduler_config.json", _class_name="FlowMatchEulerDiscreteScheduler"),
        "is a FlowMatchEulerDiscreteScheduler, and its denoiser was trained on a schedule of diffusion or edm",
    ),
    "size of a continent": (edited("unet/config.json", sample_size=100_000), "have the side 100000"),
    "size of a truth": (edited("unet/config.json", sample_size=True), "have the side True"),
    "scale without number": (edited("vae/config.json", scaling_factor=float("nan")), "its scaling_factor is nan"),
    "shift of words": (edited("vae/config.json", shift_factor="far"), "its shift_factor is 'far'"),
    "fewer layers than weights": (fewer_layers, "unet has weights of more layers"),
    "long whole numbers": (
        weights("unet", lambda tensors: {key: tensor.long() for key, tensor in tensors.items()}),
        "quantised weights",
    ),
    "a rare word without numbers": (
        weights("text_encoder", without_a_word),
        "text_encoder of .* has numbers that are none",
    ),
    "empty config": (
        lambda folder: (folder / "vae" / "config.json").write_bytes(b""),
        "vae/config.json cannot be read",
    ),
    "bottomless config": (
        lambda folder: (folder / "unet" / "config.json").write_text("[" * 100_000),
        "unet/config.json cannot be read",
    ),
    "no tensors": (lambda folder: save_file({}, next((folder / "unet").glob("*.safetensors"))), "unet lacks weights"),
    "index of pickles": (index_of("evil.bin"), "names evil.bin, which is no safetensors file beside it"),
    "index of another place": (index_of("../vae/diffusion_pytorch_model.safetensors"), "which is no safetensors file"),
    "index of nothing": (index_of(""), "which is no safetensors file"),
    "weights that lead nowhere": (dangling, "No such file"),
    "config that leads to itself": (circle, "Too many levels of symbolic links"),
    "wider text encoder": (text_encoder_of_xl, "belong to different models"),
    "pickle by another name": (renamed_pickle, "damaged: vae cannot be loaded .* header too large"),
    "header of another type": (
        lambda folder: retyped(next((folder / "unet").glob("*.safetensors"))),
        "damaged: unet cannot be loaded .* offset",
    ),
    "layers without end": (edited("unet/config.json", layers_per_block=10**5), "its layers_per_block is 100000"),
    "no vocabulary": (lambda folder: (folder / "tokenizer" / "tokenizer.json").unlink(), "has no vocabulary"),
    "complex numbers": (
        weights("unet", lambda tensors: {key: value.to(torch.complex64) for key, value in tensors.items()}),
        "has complex numbers",
    ),
    "nothing but zeros": (
        weights("unet", lambda tensors: {key: torch.zeros_like(value) for key, value in tensors.items()}),
        "all its weights are zero",
    ),
    "few words": (few_words, "they belong to different models"),
    "index of shards without metadata": (
        sharded(lambda files: edited(next(files[0].parent.glob("*.index.json")).name, metadata=7)(files[0].parent)),
        "index.json has no metadata",
    ),
    "few betas": (edited("scheduler/scheduler_config.json", trained_betas=[0.1] * 10), "it cannot draw"),
    "no numbers": (
        weights("vae", lambda tensors: {key: torch.full_like(value, float("nan")) for key, value in tensors.items()}),
        "numbers that are none",
    ),
    "one colour": (
        weights("vae", lambda tensors: {**tensors, "decoder.conv_out.bias": torch.full((3,), 1e6)}),
        "one colour",
    ),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_wrong_models(folder: Path, case: str, start: Callable[..., str]) -> None:
    """One sentence that says what is wrong, exit status 2, no traceback; a worker says as much and never gets ready."""
    damage, words = BAD[case]
    damage(folder)
    status, said = check(folder)
    assert status == 2, said
    assert re.search(words, said), said
    assert ": no. " in said
    assert "Traceback" not in said
    said = start(MODEL_SOURCE=str(folder))
    assert re.search(words, said) or re.search(AT_START.get(case, "is not whole: "), said), said


AT_START = {"index of nonsense": "model_index.json cannot be read"}
"""What a worker says of a case, where it is not what `check` says and not that the files are not whole."""

ODD: dict[str, Callable[[Path], object]] = {
    "bf16": weights("unet", lambda tensors: {key: value.to(torch.bfloat16) for key, value in tensors.items()}),
    "fp8": weights("unet", lambda tensors: {key: value.to(torch.float8_e4m3fn) for key, value in tensors.items()}),
    "weights too many": weights("unet", lambda tensors: {**tensors, "more": torch.zeros(3)}),
    "code of its own": edited("text_encoder/config.json", auto_map={"AutoModel": "evil.Evil"}, trust_remote_code=True),
    "a pipeline of its own": edited("model_index.json", _class_name=["evil", "Evil"], custom_pipeline="evil.py"),
    "keys of tomorrow": edited("unet/config.json", tomorrow=7),
    "a checker that is not there": edited("model_index.json", safety_checker=["x", "StableDiffusionSafetyChecker"]),
    "another scheduler": edited("scheduler/scheduler_config.json", _class_name="TomorrowScheduler"),
}


@pytest.mark.parametrize("case", sorted(ODD))
def test_odd_models_that_are_right(folder: Path, case: str) -> None:
    """Draw, and no code that lies beside them runs."""
    ODD[case](folder)
    for place in (folder, folder / "text_encoder"):
        (place / "evil.py").write_text("raise SystemExit('it ran')\n")
    status, said = check(folder)
    assert status == 0, said
    assert "it ran" not in said


@pytest.mark.parametrize(
    ("damage", "words"), [("no template", "has no chat template"), ("another's", "they belong to different models")]
)
def test_a_chat_models_tokenizer(base: Path, tmp_path: Path, damage: str, words: str) -> None:
    """A prompt is a message to it: without a template it reads none, nor by one of half its words."""
    folder = Path(shutil.copytree(saved("z-image", base), tmp_path / "model"))
    if damage == "no template":
        for file in (folder / "tokenizer").glob("*.jinja"):
            file.unlink()
        edited("tokenizer/tokenizer_config.json", chat_template=None)(folder)
    else:
        from model.tiny_parts import t5_tokenizer

        shutil.rmtree(folder / "tokenizer")
        t5_tokenizer().save_pretrained(folder / "tokenizer")
    status, said = check(folder)
    assert (status, words in said) == (2, True), said


@pytest.mark.parametrize(
    ("name", "words"), [("a.gguf", "holds a denoiser alone: name the base model's folder"), ("a.ckpt", "may hold code")]
)
def test_files_that_are_no_models(tmp_path: Path, name: str, words: str) -> None:
    """What they are is said, and what to do."""
    (tmp_path / name).write_bytes(b"GGUF")
    status, said = check(tmp_path / name)
    assert (status, words in said) == (2, True), said


def test_models_of_the_catalogue(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the catalogue says of them is checked too."""
    path = tmp_path / "models.toml"
    monkeypatch.setenv("CATALOGUE", str(path))
    path.write_text(CATALOGUE.format(folder=folder))
    assert check("tiny")[0] == 0
    path.write_text(CATALOGUE.format(folder=folder).replace('"stable-diffusion"', '"stable-diffusion-xl"'))
    assert "is of the family stable-diffusion: say so" in check("tiny")[1]
    path.write_text(CATALOGUE.format(folder=folder).replace("size_multiple = 16", "size_multiple = 4"))
    assert "draws in multiples of 8 pixels" in check("tiny")[1]
    path.write_text(CATALOGUE.format(folder=folder) + 'loras = { ink = "/nowhere.safetensors" }\n')
    status, said = check("tiny")
    assert (status, "The LoRA /nowhere.safetensors cannot be read" in said) == (2, True)


def test_a_model_for_videos(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short one is drawn on from a picture, and what one of the catalogue's length will take is said before."""
    film = CATALOGUE.replace("stable-diffusion", "ltx-video").replace('"ddim"', '"flow_euler"')
    film = film.replace('["aspect"]', '["aspect", "moving"]\nframes = 25')
    (tmp_path / "models.toml").write_text(film.format(folder=saved("ltx-video", base)))
    monkeypatch.setenv("CATALOGUE", str(tmp_path / "models.toml"))
    status, said = check("tiny")
    assert status == 0, said
    assert "videos: 9 frames drawn on from a picture" in said
    took = r"{} at 128x128: ([\d.]+) MiB for each row of a forward, ([\d.]+) MiB for"
    [long], [still] = (re.findall(took.format(what), said) for what in ("expected of 25 frames", "expected"))
    assert float(long[0]) > float(still[0]), said


def test_a_commercial_server(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Does not start with a model whose licence forbids it."""
    from contract.errors import UserError
    from exchange.catalogue import open_catalogue

    path = tmp_path / "models.toml"
    path.write_text(CATALOGUE.format(folder=folder) + "commercial = false\n")
    assert open_catalogue(str(path)).named("tiny").commercial is False
    with pytest.raises(UserError) as caught:
        open_catalogue(str(path), commercial=True)
    assert "licence of tiny forbids commercial use" in str(caught.value.values["reason"])


def test_a_mistyped_name() -> None:
    """The names of the catalogue are said."""
    status, said = check("easel-smal")
    assert (status, "no model of the catalogue (easel-small)" in said) == (2, True)


def test_an_inpainting_model(tmp_path: Path) -> None:
    """Nine channels are no reason to refuse it."""
    status, said = check(save(assemble(StableDiffusion, StableDiffusion.tiny(in_channels=9)), tmp_path / "model"))
    assert status == 0, said


def test_too_little_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is said before anything is loaded, with both numbers."""
    from model import memory

    monkeypatch.setattr(memory, "free_bytes", lambda device: 1000)
    status, said = check(folder)
    assert status == 2
    assert "take a host with more memory" in said


def test_what_it_will_take_is_said_before_it_draws(folder: Path) -> None:
    """Weights by part, a row of the denoiser, a decoding."""
    status, said = check(folder)
    assert status == 0
    lines = said.splitlines()
    expected = next(line for line in lines if line.startswith("expected at 32x32: "))
    assert re.search(r"\d MiB for each row of a forward, \d[\d.]* MiB for decoding a grid$", expected)
    assert lines.index(expected) < next(number for number, line in enumerate(lines) if line.startswith("one picture"))
    assert "parts: unet 3.8 MiB, vae 0.7 MiB, text_encoder 0.1 MiB" in said


def test_a_budget_that_is_too_small(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no room comes layer by layer, and is named; with less than that the answer is no, with both numbers."""
    monkeypatch.setenv("STATE_FOLDER", str(tmp_path / "state"))
    made = forecast(load(folder))
    whole = sum(made.weights.values()) + made.activations
    monkeypatch.setenv("MEMORY_GIB", str((whole - 1) / 2**30))
    status, said = check(folder)
    assert status == 0, said
    assert re.search(r"streamed layer by layer: text_encoder; needed so: \d\.\d MiB", said)
    monkeypatch.setenv("MEMORY_GIB", str(1 / 1024))
    status, said = check(folder)
    assert status == 2
    assert re.search(r"needs \d\.\d MiB even when its layers come one by one, and may take 1\.0 MiB", said)


def lora(folder: Path, width: int = 64, up: bool = True) -> str:
    """A LoRA beside the model, for a layer of this width."""
    path, file = "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_q", folder / "ink.safetensors"
    matrices = {f"{path}.lora_A.weight": torch.zeros(2, width)}
    save_file(matrices | ({f"{path}.lora_B.weight": torch.zeros(width, 2)} if up else {}), file)
    return f'loras = {{ ink = "{file}" }}'


def ink(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Path], str]:
    """A LoRA whose matrices are changed."""

    def prepare(folder: Path) -> str:
        said, file = lora(folder), folder / "ink.safetensors"
        save_file({key: change(value).contiguous() for key, value in load_file(file).items()}, file)
        return said

    return prepare


def not_a_number(tensor: torch.Tensor) -> torch.Tensor:
    return torch.full_like(tensor, float("nan"))


def word(name: str, vectors: torch.Tensor) -> Callable[[Path], str]:
    """A textual inversion."""

    def prepare(folder: Path) -> str:
        save_file({"emb_params": vectors}, folder / "word.safetensors")
        return f'inversions = {{ "{name}" = "{folder / "word.safetensors"}" }}'

    return prepare


def broken_controlnet(folder: Path) -> str:
    from diffusers import ControlNetModel

    net = ControlNetModel.from_unet(tiny.bundle("stable-diffusion").denoiser)
    net.conv_in.bias.data[0] = float("nan")
    net.save_pretrained(folder / "net")
    return f'controlnets = {{ edges = "{folder / "net"}" }}'


def foreign_gguf(folder: Path) -> str:
    gguf = pytest.importorskip("gguf")
    writer = gguf.GGUFWriter(str(folder / "a.gguf"), "frobnicate")
    writer.add_tensor("token_embd.weight", torch.zeros(8, 32).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return f'denoiser = "{folder / "a.gguf"}"'


def pointer(folder: Path, name: str) -> Path:
    file = folder / name
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    return file


def other_vae(folder: Path) -> str:
    from model.tiny_parts import autoencoder

    autoencoder(latent_channels=16).save_pretrained(folder / "other_vae")
    return f'vae = "{folder / "other_vae"}"'


def inversion(folder: Path) -> str:
    save_file({"emb_params": torch.zeros(1, 7)}, folder / "word.safetensors")
    return f'inversions = {{ word = "{folder / "word.safetensors"}" }}'


def controlnet(folder: Path) -> str:
    from diffusers import ControlNetModel

    kinds = ("DownBlock2D", "CrossAttnDownBlock2D")
    net = ControlNetModel(
        down_block_types=kinds,
        block_out_channels=(32, 32),
        layers_per_block=1,
        norm_num_groups=8,
        cross_attention_dim=32,
        attention_head_dim=8,
    )
    net.save_pretrained(folder / "net")
    return f'controlnets = {{ edges = "{folder / "net"}" }}'


def ink_with(name: str, matrix: torch.Tensor) -> Callable[[Path], str]:
    """A LoRA with something beside its two matrices."""

    def prepare(folder: Path) -> str:
        said, file = lora(folder), folder / "ink.safetensors"
        path = next(iter(load_file(file))).partition(".lora_")[0]
        save_file({**load_file(file), f"{path}.{name}": matrix}, file)
        return said

    return prepare


BESIDE: dict[str, tuple[Callable[[Path], str], str]] = {
    "LoRA of another model": (lambda folder: lora(folder, 320), "was trained for another model: its .* takes 320"),
    "half a LoRA": (lambda folder: lora(folder, up=False), "is damaged: its .* has one matrix of two"),
    "LoRA without numbers": (ink(not_a_number), "LoRA .* has numbers that are none"),
    "LoRA of whole numbers": (ink(lambda tensor: tensor.to(torch.int32)), "LoRA .* has whole numbers"),
    "LoRA of rank 0": (ink(lambda tensor: tensor[:0] if len(tensor) == 2 else tensor[:, :0]), "do not fit each other"),
    "LoRA of magnitudes": (ink_with("lora_magnitude_vector", torch.ones(64)), "is a DoRA, which Easel cannot apply"),
    "LoRA of differences": (ink_with("diff_b", torch.ones(64)), "diff_b, which Easel cannot apply"),
    "ControlNet's file": (
        lambda folder: f'controlnets = {{ edges = "{folder / "model_index.json"}" }}',
        "is a file: name",
    ),
    "inversion without numbers": (
        word("<ink>", torch.full((1, 32), float("nan"))),
        "inversion .* numbers that are none",
    ),
    "inversion of a word that there is": (word("a", torch.zeros(1, 32)), "the model has that word already"),
    "inversion of nothing": (word("<ink>", torch.zeros(0, 32)), "nothing for the text encoders"),
    "ControlNet without numbers": (broken_controlnet, "ControlNet .* has numbers that are none"),
    "GGUF of another model": (foreign_gguf, "a.gguf is damaged, or no UNet2DConditionModel of this model"),
    "autoencoder's file": (lambda folder: f'vae = "{folder / "model_index.json"}"', "is a file: name a folder"),
    "LoRA of a pickle": (
        lambda folder: f'loras = {{ ink = "{(folder / "model_index.json").rename(folder / "a.pt")}" }}',
        "may hold code|no model_index.json",
    ),
    "LoRA pointer": (lambda folder: f'loras = {{ ink = "{pointer(folder, "a.safetensors")}" }}', "Git LFS pointer"),
    "autoencoder of another model": (other_vae, "latents of 16 channels"),
    "autoencoder that is not there": (lambda folder: 'vae = "/nowhere/vae"', "/nowhere/vae has no config.json"),
    "inversion of another model": (inversion, "embeddings of 7 numbers"),
    "ControlNet of another model": (controlnet, "its block_out_channels is"),
    "IP-Adapter that is not there": (
        lambda folder: 'ip_adapters = { face = ["/nowhere.safetensors", "/nowhere"] }',
        "The IP-Adapter /nowhere.safetensors cannot be read",
    ),
    "denoiser pointer": (lambda folder: f'denoiser = "{pointer(folder, "a.gguf")}"', "Git LFS pointer"),
    "sampler of another schedule": (lambda folder: "samplers = { edm_euler = 20 }", "has no sampler “edm_euler”"),
    "unknown variant": (lambda folder: 'variant = "bf16"', "(?s).*"),
    "a part to quantise": (lambda folder: 'quantised = { transformer = "int8" }', "no “transformer” to quantise"),
}


@pytest.mark.parametrize("case", sorted(BESIDE))
def test_wrong_things_beside_a_model(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, start: Callable[..., str]
) -> None:
    """What the catalogue adds to a right model is checked with it: one sentence, exit status 2, by a worker too."""
    prepare, words = BESIDE[case]
    path = tmp_path / "models.toml"
    path.write_text(CATALOGUE.format(folder=folder) + prepare(folder))
    monkeypatch.setenv("CATALOGUE", str(path))
    status, said = check("tiny")
    assert status == (0 if case == "unknown variant" else 2), said
    assert re.search(words, said), said
    assert "Traceback" not in said
    if status:
        assert re.search(words, start(MODEL="tiny"))


def test_each_of_several_models_is_tried(
    folder: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[..., str]
) -> None:
    """What is wrong with the second is said at the start, by its name."""
    other = Path(shutil.copytree(saved("stable-diffusion", base), tmp_path / "other"))
    weights("vae", lambda tensors: dict(list(tensors.items())[1:]))(other)
    second = CATALOGUE.format(folder=other).replace('"tiny"', '"other"').replace('["*"]', "[]")
    path = tmp_path / "models.toml"
    path.write_text(CATALOGUE.format(folder=folder) + second + 'aliases = { other = "6" }\n')
    monkeypatch.setenv("CATALOGUE", str(path))
    said = start(MODEL="tiny,other")
    assert re.search("easel-worker: other: .*vae lacks weights", said), said


def test_a_device_that_is_not_there(folder: Path) -> None:
    """And a word that is none."""
    for device in ("cuda", "banana"):
        result = CliRunner().invoke(app, ["check", str(folder), "--device", device])
        assert result.exit_code == 2, result.output
        assert f"on {device}" in result.output
