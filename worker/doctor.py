"""What is wrong with a host that draws: its device and torch, its models, its signature, its folders.

Nothing here imports torch before it is asked about the device or the models.
"""

from __future__ import annotations

import datetime
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from cryptography import x509

from contract.catalogue import Catalogue, Model
from contract.errors import EaselError
from exchange.doctor.findings import Finding, Severity, begin_with, broken, examine, in_one_line, risky
from exchange.doctor.host import has_room_for_files, host_findings, kept_findings
from exchange.doctor.server import server_findings
from exchange.doctor.store import store_findings
from worker import mp4
from worker.process import devices_of, offer
from worker.settings import WorkerSettings

if TYPE_CHECKING:
    import torch

    from model.components import Bundle

DEVICE, MODELS, SIGNING, FOLDERS, FILES = "the device", "the models", "signing", "folders", "files"
_CACHES = ("HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "TORCH_HOME", "TRITON_CACHE_DIR", "TMPDIR")
"""Variables that libraries read: where to keep what they fetch and make."""
LITTLE_GIB = 0.5
SHORT_DRAIN_S = 5
EXPIRES_SOON = datetime.timedelta(days=30)
SMALLEST_FILE_MB = 1
LARGEST_FILE_MB = 100
"""What Discord takes at most, in a server with all boosts."""
SHORT_DAYS = 1
NVIDIA_SMI_S = 30.0
STEP_S = 5.0
"""A step that takes longer makes a grid a matter of minutes."""


def at_start(settings: WorkerSettings, client: redis.Redis) -> None:
    """Say in the log what is risky, and raise Unfit for what is broken, before this host works."""
    found = [
        *examine("Redis", lambda: server_findings(settings, client)),
        *examine("the image store", lambda: store_findings(settings, client)),
        *examine("this host", lambda: host_findings(settings)),
        *examine(SIGNING, lambda: signing_findings(settings)),
        *examine(FOLDERS, lambda: folder_findings(settings)),
        *examine(FILES, lambda: file_findings(settings)),
    ]
    begin_with(found)


def before_loading(settings: WorkerSettings) -> None:
    """The same in a process that will draw, which has torch. Its models are not tried here: it loads next those that
    are new to it, draws a picture with each, and says itself what they lack."""
    found = examine(DEVICE, lambda: device_findings(settings))
    begin_with([*found, *examine(MODELS, lambda: offered_findings(settings))])


def signing_findings(settings: WorkerSettings) -> Iterator[Finding]:
    """Whether pictures can be signed, and for how long. SettingsError when they cannot."""
    if not settings.sign:
        yield risky(
            SIGNING,
            "Pictures are not signed (SIGN=false): nothing that a machine can check says that a model made them, "
            "as the EU's AI Act (Article 50) asks.",
        )
        return
    signer = settings.signer()
    assert signer is not None  # they are to be signed
    certificate, now = x509.load_pem_x509_certificates(signer.chain)[0], datetime.datetime.now(datetime.UTC)
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if begins > now:
        yield risky(
            SIGNING,
            f"The signing certificate is valid from {begins:%Y-%m-%d %H:%M} on, so nobody believes its signatures yet: "
            "look at this host's clock, or take another.",
        )
    key = Path(settings.signing_key)
    if settings.signing_key and key.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        yield risky(SIGNING, f"Everybody on this host may read {key}, the key that signs pictures: `chmod 600 {key}`.")
    left = ends - now
    if left < EXPIRES_SOON:
        yield risky(
            SIGNING, f"The signing certificate ends on {ends:%Y-%m-%d}: renew it, or pictures go out unsigned then."
        )


def folder_findings(settings: WorkerSettings) -> Iterator[Finding]:
    """Whether what a worker keeps for itself can be kept."""
    folder = Path(settings.state_folder)
    yield from kept_findings(folder, Severity.BROKEN)
    homeless = () if os.environ.get("XDG_CACHE_HOME") else ("HOME",)
    for name in (*_CACHES, *homeless):
        place = os.environ.get(name)
        if place and not has_room_for_files(Path(place).expanduser()):
            yield risky(
                FOLDERS,
                f"{name} is {place}, where no file can be made: what libraries fetch and keep there has no place; mend "
                "it, or unset it.",
            )
    if "://" not in settings.image_store and folder.resolve().is_relative_to(Path(settings.image_store).resolve()):
        yield risky(
            FOLDERS,
            f"STATE_FOLDER {folder} lies in IMAGE_STORE, so the key that signs lies among the pictures: set another.",
        )
    if 0 < settings.retention_days < SHORT_DAYS:
        yield risky(
            FOLDERS,
            f"RETENTION_DAYS is {settings.retention_days:g}, so pictures are deleted on the day that they are drawn: "
            "buttons draw them again, at the price of a picture.",
        )
    if settings.drain_s < SHORT_DRAIN_S:
        yield risky(
            FOLDERS,
            f"DRAIN_S is {settings.drain_s:g}: when a worker is stopped, what it draws is thrown away and drawn again "
            "later; give it about a minute.",
        )


def file_findings(settings: WorkerSettings) -> Iterator[Finding]:
    """Files that cannot be made here, and sizes that Discord does not take."""
    if settings.animations == "mp4" and (lack := mp4.missing()) is not None:
        yield broken(
            FILES, f'ANIMATIONS is mp4, but {lack}: pip install ".[mp4]", or leave ANIMATIONS out for animated WebP.'
        )
    if settings.upload_limit_mb < SMALLEST_FILE_MB:
        yield risky(
            FILES,
            f"UPLOAD_LIMIT_MB is {settings.upload_limit_mb:g}, in which no good picture fits: Discord takes 10 MiB "
            "everywhere.",
        )
    if settings.upload_limit_mb > LARGEST_FILE_MB:
        yield risky(
            FILES,
            f"UPLOAD_LIMIT_MB is {settings.upload_limit_mb:g}, but Discord takes {LARGEST_FILE_MB} MiB at most, and 10 "
            "in a server without boosts: larger files would be refused.",
        )


def device_findings(settings: WorkerSettings) -> Iterator[Finding]:
    """Whether torch can use the device that is meant. NoSuchDevice for one that is not there."""
    if find_spec("torch") is None:
        yield broken(DEVICE, 'This install only delivers: `pip install ".[worker]"` adds torch and all that draws.')
        return
    import torch

    kind = devices_of(settings, None)[0]
    card = _card()
    if kind.isdigit() and not torch.cuda.is_available():
        if torch.version.cuda is None and torch.version.hip is None:
            yield broken(
                DEVICE,
                f"torch {torch.__version__} is built for processors only, and this host has a GPU ({card or 'CUDA'}): "
                "install the CUDA build, or say DEVICE=cpu.",
            )
        else:
            yield broken(
                DEVICE,
                f"torch {torch.__version__} (CUDA {torch.version.cuda}) cannot use the driver of {card or 'this GPU'}: "
                "install a driver for that CUDA version, or an older build of torch.",
            )
    if kind == "mps" and sys.platform != "darwin":
        yield broken(DEVICE, "DEVICE=mps is for Apple's machines, and this is none: say cuda, cpu or auto.")
    if kind == "cpu" and card and settings.device == "auto":
        yield risky(DEVICE, f"This host has a GPU ({card}), but no index of it is listed, so the processor draws.")
    yield from _of_numbers(settings, kind)
    if not kind.isdigit() or torch.cuda.is_available():
        yield from _of_budget(settings, torch.device("cuda" if kind.isdigit() else kind))


def _of_budget(settings: WorkerSettings, device: torch.device) -> Iterator[Finding]:
    from model.memory import total_bytes

    has = total_bytes(device)
    if 0 < settings.memory_gib < LITTLE_GIB:
        yield risky(
            DEVICE,
            f"MEMORY_GIB is {settings.memory_gib:g}, which is {settings.memory_gib * 1024:.0f} MiB: models that do not "
            "fit come layer by layer, which is slow; it counts GiB, and 0 is for all that there is.",
        )
    if settings.room.budget is not None and settings.room.budget > has:
        yield risky(
            DEVICE,
            f"MEMORY_GIB is {settings.memory_gib:g}, but {device} has {has / 2**30:.1f} GiB: what is drawn could take "
            "all of it and fail.",
        )


def _of_numbers(settings: WorkerSettings, kind: str) -> Iterator[Finding]:
    threads = os.environ.get("OMP_NUM_THREADS", "")
    cores = os.cpu_count() or 1
    if threads and not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", threads):
        yield risky(
            DEVICE, f"OMP_NUM_THREADS is {threads}, which is no number of threads: say 1 to {cores}, or unset it."
        )
    if threads.isdigit() and int(threads) > cores:
        yield risky(
            DEVICE, f"OMP_NUM_THREADS is {threads}, but this host has {cores} cores: threads would wait for each other."
        )
    if kind == "cpu" and settings.dtype in ("float16", "bfloat16"):
        yield risky(
            DEVICE, f"DTYPE={settings.dtype} makes a processor slower, not faster: leave it at auto, which is float32."
        )
    if kind == "cpu" and settings.slots > 4 * cores:
        yield risky(
            DEVICE,
            f"SLOTS is {settings.slots} on a processor of {cores} cores: that many jobs share each step, and all "
            "become slow.",
        )


def offered_findings(settings: WorkerSettings) -> Iterator[Finding]:
    """Whether the models that this host draws with are here and have room. UserError or SettingsError when one is
    named that is not on offer."""
    catalogue, names = offer(settings)
    for name in names:
        yield from _of_model(settings, catalogue.named(name))


def _of_model(settings: WorkerSettings, model: Model) -> Iterator[Finding]:
    if settings.max_pixels and settings.max_pixels < model.pixels:
        yield broken(
            MODELS,
            f"MAX_PIXELS is {settings.max_pixels}, but a picture of {model.name} has {model.pixels}: no job of it "
            "would begin here; raise it, or leave the model out of MODEL.",
        )
    if find_spec("torch") is None:
        return
    from model.files import damage_in
    from model.memory import weights_in_files
    from worker.loading import source_of

    where = settings.model_source or source_of(model).where
    path = Path(where).expanduser()
    if not path.exists():
        if where.startswith((".", "/", "~")) or where.count("/") != 1:
            yield broken(MODELS, f"{model.name}: there is no model folder {where}.")
        return
    for damage in damage_in(path):
        yield broken(MODELS, f"{model.name} in {path} is not whole: {damage}.")
    kind = devices_of(settings, None)[0]
    bytes_each = 4 if settings.dtype == "float32" or kind == "cpu" else 2
    files = [path] if path.is_file() else sorted(path.glob("*/*.safetensors"))
    yield from _of_room(kind, model, weights_in_files(files, bytes_each))


def _of_room(kind: str, model: Model, needed: int) -> Iterator[Finding]:
    import torch

    from model.memory import free_bytes

    if kind.isdigit() and not torch.cuda.is_available():
        return  # the device is broken, and said
    device = torch.device("cuda" if kind.isdigit() else kind)
    free = free_bytes(device)
    if needed > free:
        yield risky(
            MODELS,
            f"The weights of {model.name} take {needed / 2**30:.1f} GiB, and {device} has {free / 2**30:.1f} GiB free: "
            "they may not fit beside what runs there.",
        )


def drawing_findings(settings: WorkerSettings) -> Iterator[Finding]:
    """Load every model that this host draws with, once, and draw one step."""
    if find_spec("torch") is None:
        return  # said of the device
    from model.errors import ModelError

    catalogue, names = offer(settings)
    for name in names:
        try:
            yield from _of_drawing(settings, catalogue, name)
        except EaselError as error:
            yield broken(MODELS, f"{name} does not load: {in_one_line(error)}")
        except (ModelError, RuntimeError) as error:  # RuntimeError is torch's
            yield broken(MODELS, f"{name} does not draw: {' '.join(str(error).split())}")


def _of_drawing(settings: WorkerSettings, catalogue: Catalogue, name: str) -> Iterator[Finding]:
    from model.drawing import generate
    from worker.loading import first_picture

    bundle = _loaded(settings, catalogue, name)
    request = bundle.example()
    begun = time.monotonic()
    with first_picture():
        generate(bundle, request)
    took_s = (time.monotonic() - begun) / request.sampling.num_inference_steps
    if took_s > STEP_S:
        steps = catalogue.named(name).num_inference_steps
        yield risky(
            MODELS,
            f"One step of {name} takes {took_s:.0f} s here, so a picture takes {took_s * steps / 60:.0f} minutes: "
            "give it a GPU, or offer a smaller model.",
        )


def _loaded(settings: WorkerSettings, catalogue: Catalogue, name: str) -> Bundle:
    """UserError or ModelError."""
    from model import Source
    from worker.loading import drawn_by, source_of

    offered = catalogue.named(name)
    kind = devices_of(settings, None)[0]
    dtype = None if settings.dtype == "auto" else settings.dtype
    source = Source(settings.model_source) if settings.model_source else source_of(offered)
    return drawn_by(source, offered, "cuda" if kind.isdigit() else kind, dtype)


def _card() -> str:
    """The name of the first NVIDIA card, as its own tool says it; empty without one."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ""
    try:
        asked = subprocess.run(
            [tool, "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=NVIDIA_SMI_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.splitlines()[0].strip() if asked.returncode == 0 and asked.stdout.strip() else ""
