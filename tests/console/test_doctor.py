"""Misconfigurations are planted one by one into a healthy house, and the doctor names each in one true sentence.

What it says of the healthy house itself (a stand-in for Discord, say) is subtracted: only what is new counts.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import redis
from typer.testing import CliRunner

from console.command_line import app
from exchange import keys
from exchange.connection import connect
from exchange.doctor.findings import Severity
from exchange.doctor.host import AUTHORITIES, environment_findings, limit_findings, value_findings
from exchange.doctor.server import _of_facts, _of_time
from exchange.embedded import _binary
from tests.contract.factories import imagine
from worker import mp4
from worker.settings import DEFAULT_MODEL, WorkerSettings
from worker.signing import make_certificate

ROW = """
[[models]]
name = "{name}"
title = "A Model"
family = "stable-diffusion"
licence = "MIT"
versions = ["{version}"]
pixels = 4096
size_multiple = 16
num_inference_steps = 8
guidance_scale = 4.5
sampler = "ddim"
honours = ["aspect"]
"""
SLOW = " ms for one question"
"""How fast a busy machine's Redis answers is no fact of the house."""
PERMISSIONS = 0x400 | 0x800 | 0x4000 | 0x8000 | 0x10000
"""View, send, embed, attach, read the history."""


class FakeDiscord:
    """Three routes that say what a test wants of a bot."""

    def __init__(self) -> None:
        self.reset()
        discord = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = discord.answers.get(self.path.removeprefix("/api/v10"), (404, {}))
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reset(self) -> None:
        """A bot of one server, with all that it needs."""
        self.answers: dict[str, tuple[int, Any]] = {
            "/users/@me": (200, {"id": "1", "bot": True}),
            "/applications/@me": (200, {"id": "1", "interactions_endpoint_url": None}),
            "/users/@me/guilds": (200, [{"id": "2", "name": "Studio", "permissions": str(PERMISSIONS)}]),
        }


@pytest.fixture(scope="module")
def discord() -> Iterator[FakeDiscord]:
    """One for all."""
    fake = FakeDiscord()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


@contextmanager
def server(folder: Path, *options: str) -> Iterator[str]:
    """A Redis of one's own, as a file would set it up."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "redis.sock"
    command = [_binary(), "--port", "0", "--unixsocket", str(path), "--dir", str(folder), "--save", "", *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            for _ in range(400):
                if path.exists():
                    break
                time.sleep(0.02)
            yield f"unix://{path}"
        finally:
            process.kill()


@pytest.fixture(scope="module")
def durable_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with an append-only file, as it should be."""
    with server(tmp_path_factory.mktemp("redis"), "--appendonly", "yes") as url:
        yield url


@dataclass
class House:
    """A healthy house; a test plants one thing into it."""

    client: redis.Redis
    folder: Path
    discord: FakeDiscord
    environment: dict[str, str]
    undo: list[Callable[[], object]] = field(default_factory=list)

    def set(self, **environment: str) -> None:
        """Set variables."""
        self.environment.update(environment)

    def config(self, **values: str | int) -> None:
        """Set up Redis otherwise, for this test."""
        for name, value in values.items():
            option = name.replace("_", "-")
            before = self.client.config_get(option)[option]
            self.client.config_set(option, value)
            self.undo.append(partial(self.client.config_set, option, str(before)))

    def catalogue(self, text: str) -> None:
        """A catalogue of one's own."""
        (self.folder / "models.toml").write_text(text)
        self.set(CATALOGUE="models.toml")

    def worker(self, **facts: str) -> None:
        """A worker that runs, in its own words."""
        name = facts.get("name", "north-1-ab-cd")
        node: dict[Any, Any] = {"name": name, "pid": "1", "models": "easel-small", **facts}
        self.client.hset(keys.node(name), mapping=node)

    def examine(self, *words: str) -> list[str]:
        """What the doctor finds, a sentence each, after its severity."""
        result = CliRunner().invoke(app, ["doctor", "--json", *(words or ("--no-models",))], env=self.environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        document = json.loads(result.stdout.splitlines()[-1])
        assert result.exit_code == int(document["broken"])
        said = [f"{finding['severity']} {finding['sentence']}" for finding in document["findings"]]
        return [sentence.replace(str(self.folder), ".") for sentence in said]


@pytest.fixture(scope="module")
def healthy() -> set[str]:
    """What is said of the house before anything is planted; the first test asks."""
    return set()


@pytest.fixture
def house(durable_url: str, discord: FakeDiscord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Everything is as it should be."""
    monkeypatch.chdir(tmp_path)
    for name in ("OMP_NUM_THREADS", "SECRETS_DIR", "CUDA_VISIBLE_DEVICES", *AUTHORITIES):
        monkeypatch.delenv(name, raising=False)
    client = connect(durable_url)
    client.flushall()
    discord.reset()
    environment = {
        "REDIS_URL": durable_url,
        "IMAGE_STORE": str(tmp_path / "images"),
        "STATE_FOLDER": str(tmp_path / "state"),
        "DISCORD_TOKEN": "MTEx.abc.def",
        "DISCORD_API_BASE": discord.url,
        "API_SECRET": "sixteen letters and more",
        "API_PORT": "0",
        "DEVICE": "cpu",
    }
    house = House(client, tmp_path, discord, environment)
    house.worker()
    yield house
    for undo in reversed(house.undo):
        undo()
    client.close()


# ── what is planted ───────────────────────────────────────────────────────────────────────────────────────────────────


def of(**environment: str) -> Callable[[House], None]:
    """Variables alone."""
    return lambda house: house.set(**environment)


def redis_with(**config: str | int) -> Callable[[House], None]:
    """Redis set up otherwise."""
    return lambda house: house.config(**config)


def at_discord(route: str, **changes: object) -> Callable[[House], None]:
    """Another answer of Discord's."""

    def plant(house: House) -> None:
        status, body = house.discord.answers[route]
        house.discord.answers[route] = (status, {**body, **changes})

    return plant


def redis_command(*command: str) -> Callable[[House], None]:
    """Something in Redis."""
    return lambda house: house.client.execute_command(*command)


def env_file(text: str, mode: int = 0o600) -> Callable[[House], None]:
    """A `.env` beside the process."""

    def plant(house: House) -> None:
        path = house.folder / ".env"
        path.write_text(text)
        path.chmod(mode)

    return plant


def wrong_password(house: House) -> None:
    house.client.acl_setuser(
        "easel", enabled=True, passwords=["+right"], keys=["*"], channels=["*"], commands=["+@all"]
    )
    house.undo.append(lambda: house.client.acl_deluser("easel"))
    house.set(REDIS_URL=house.environment["REDIS_URL"].replace("unix://", "unix://easel:wrong@"))


def missing_right(house: House) -> None:
    house.client.execute_command("ACL", "SETUSER", "easel", "on", ">right", "~*", "&*", "+@all", "-zadd")
    house.undo.append(lambda: house.client.acl_deluser("easel"))
    house.set(REDIS_URL=house.environment["REDIS_URL"].replace("unix://", "unix://easel:right@"))


def blind_user(house: House) -> None:
    rule = "~rq:* ~easel:* &rq:* &easel:* +@all -@dangerous"
    house.client.execute_command("ACL", "SETUSER", "easel", "on", ">right", *rule.split())
    house.undo.append(lambda: house.client.acl_deluser("easel"))
    house.set(REDIS_URL=house.environment["REDIS_URL"].replace("unix://", "unix://easel:right@"))


def replica(house: House) -> None:
    house.client.execute_command("REPLICAOF", "127.0.0.1", "1")
    house.undo.append(lambda: house.client.execute_command("REPLICAOF", "NO", "ONE"))


def cluster(house: House) -> None:
    running = server(house.folder / "cluster", "--cluster-enabled", "yes")
    house.set(REDIS_URL=running.__enter__())
    house.undo.append(lambda: running.__exit__(None, None, None))


def drained_host(house: House) -> None:
    house.client.hset(keys.drained(), socket.gethostname(), "1")


def store_is_a_file(house: House) -> None:
    (house.folder / "pictures").write_text("x")
    house.set(IMAGE_STORE=str(house.folder / "pictures"))


def open_store(house: House) -> None:
    (house.folder / "images").mkdir(exist_ok=True)
    (house.folder / "images").chmod(0o777)


def fleeting_store(house: House) -> None:
    folder = Path("/dev/shm") / f"easel-doctor-{os.getpid()}"
    house.set(IMAGE_STORE=str(folder))
    house.undo.append(lambda: shutil.rmtree(folder, ignore_errors=True))


def another_store(house: House) -> None:
    house.client.zadd(keys.ended("finished", keys.RENDER), {imagine().id: time.time() + 60})


def two_models(house: House) -> None:
    house.catalogue(ROW.format(name="easel-small", version="6") + ROW.format(name="sdxl", version="7"))


def unreachable_model(house: House) -> None:
    house.catalogue(ROW.format(name="easel-small", version="*") + ROW.format(name="sdxl", version="7"))
    house.worker(models="easel-small,sdxl")


def unpinned_model(house: House) -> None:
    house.catalogue(ROW.format(name="easel-small", version="*") + 'source = "owner/name"\n')


def forbidden_model(house: House) -> None:
    house.catalogue(ROW.format(name="easel-small", version="*") + "commercial = false\n")
    house.set(COMMERCIAL="true")


def another_catalogue(house: House) -> None:
    house.worker(models="easel-small,dreams")


def two_weights(house: House) -> None:
    house.worker(loaded="easel-small", fingerprint="aaaa")
    house.worker(name="south-1-ab-cd", loaded="easel-small", fingerprint="bbbb")


def no_worker(house: House) -> None:
    house.client.delete(keys.node("north-1-ab-cd"))


def unknown_token(house: House) -> None:
    house.discord.answers["/users/@me"] = (401, {"message": "401: Unauthorized"})


def no_server(house: House) -> None:
    house.discord.answers["/users/@me/guilds"] = (200, [])


def missing_permission(house: House) -> None:
    guild = {"id": "2", "name": "Studio", "permissions": str(PERMISSIONS & ~0x8000)}
    house.discord.answers["/users/@me/guilds"] = (200, [guild])


def copied_model(house: House) -> Path:
    """The shipped model, to be damaged."""
    folder = Path(shutil.copytree(DEFAULT_MODEL, house.folder / "model"))
    house.set(MODEL_SOURCE=str(folder))
    return folder


def cut_off_model(house: House) -> None:
    weights = copied_model(house) / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


def pointer_model(house: House) -> None:
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    (copied_model(house) / "vae" / "diffusion_pytorch_model.safetensors").write_text(text)


def fake_card(house: House) -> None:
    """A host with a card, as its driver's tool shows it, and a torch without CUDA."""
    tools = house.folder / "bin"
    tools.mkdir()
    tool = tools / "nvidia-smi"
    tool.write_text('#!/bin/sh\ncase "$*" in *index*) echo 0;; *) echo "NVIDIA H100";; esac\n')
    tool.chmod(tool.stat().st_mode | stat.S_IEXEC)
    house.set(PATH=f"{tools}:{os.environ['PATH']}", DEVICE="cuda")


def state_is_a_file(house: House) -> None:
    (house.folder / "kept").write_text("x")
    house.set(STATE_FOLDER=str(house.folder / "kept"), SIGN="false")


def without_av(house: House) -> None:
    """A host without the extra."""
    lost = patch.object(mp4, "find_spec", lambda name: None)
    lost.start()
    house.undo.append(lost.stop)
    house.set(ANIMATIONS="mp4")


def own_certificate(house: House, mode: int = 0o600) -> None:
    chain, key = make_certificate()
    (house.folder / "chain.pem").write_bytes(chain)
    (house.folder / "key.pem").write_bytes(key)
    (house.folder / "key.pem").chmod(mode)
    house.set(SIGNING_CERTIFICATE="chain.pem", SIGNING_KEY="key.pem")


def readable_key(house: House) -> None:
    own_certificate(house, 0o644)


def swapped_certificate(house: House) -> None:
    own_certificate(house)
    house.set(SIGNING_CERTIFICATE="key.pem", SIGNING_KEY="chain.pem")


def taken_metrics(house: House) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    house.undo.append(taken.close)
    house.set(METRICS_PORT=str(taken.getsockname()[1]))


def folder_for_a_secret(house: House) -> None:
    (house.folder / "secrets" / "discord_token").mkdir(parents=True)
    house.set(SECRETS_DIR=str(house.folder / "secrets"))


def another_encoding(house: House) -> None:
    (house.folder / ".env").write_bytes(b"CONTACT=\xff\n")


def public_key(house: House) -> None:
    unknown_token(house)
    house.set(DISCORD_TOKEN="0123456789abcdef" * 4)


def cache_below_a_file(house: House) -> None:
    (house.folder / "taken").write_text("x")
    house.set(HF_HOME=str(house.folder / "taken" / "hub"))


def another_database(house: House) -> None:
    no_worker(house)
    url = f"{house.environment['REDIS_URL']}?db=3"
    with closing(connect(url)) as there:
        there.hset(keys.node("north-1-ab-cd"), "models", "easel-small")
    house.undo.append(house.client.flushall)


def misnamed_secret(house: House) -> None:
    (house.folder / "secrets").mkdir()
    (house.folder / "secrets" / "discord-token").write_text("MTEx.a")
    house.set(SECRETS_DIR=str(house.folder / "secrets"))


def settings_elsewhere(house: House) -> None:
    (house.folder / ".env.txt").write_text("SLOTS=2")


def open_state(house: House) -> None:
    (house.folder / "state").mkdir(exist_ok=True)
    (house.folder / "state").chmod(0o777)


def taken_port(house: House) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    house.undo.append(taken.close)
    house.set(API_PORT=str(taken.getsockname()[1]))


PLANTS: dict[str, tuple[Callable[[House], None], str]] = {
    # settings
    "a setting nearly right": (of(SLOT="8"), "risky There is no setting SLOT; did you mean SLOTS"),
    "a setting nearly right, in .env": (
        env_file("RETENTION_DAY=7\n"),
        "risky .*RETENTION_DAY; did you mean RETENTION_DAYS",
    ),
    "a number in letters": (of(SLOTS="many"), "broken SLOTS is wrong"),
    "a word that is none": (of(LOG_LEVEL="loud"), "broken LOG_LEVEL is wrong"),
    "an endless number": (of(RETENTION_DAYS="inf"), "broken RETENTION_DAYS is wrong: .*finite"),
    "quotation marks that no shell took away": (
        of(DISCORD_TOKEN='"MTEx.abc.def"'),
        "broken The quotation marks of DISCORD_TOKEN",
    ),
    "a remark that became a value": (of(IMAGE_STORE="images # ours"), "broken The remark behind IMAGE_STORE"),
    "a password that was not filled in": (
        of(API_SECRET="${API_SECRET} of this house"),
        "broken API_SECRET holds .*nothing filled in",
    ),
    "a home that no shell looked up": (of(IMAGE_STORE="~/images"), "broken IMAGE_STORE begins with ~"),
    "a folder in place of .env": (lambda house: (house.folder / ".env").mkdir(), "risky .env is a folder"),
    "a line that is none": (env_file("SLOTS: 8\n"), "risky Line 1 of .env is not NAME=value"),
    "a setting twice": (env_file("SLOTS=3\nSLOTS=4\n"), "risky .env sets SLOTS 2 times"),
    "settings in another encoding": (
        another_encoding,
        "broken .env is no text in UTF-8",
    ),
    "a secret that is a folder": (folder_for_a_secret, "broken DISCORD_TOKEN cannot be read: its file in"),
    "a list without brackets": (of(SHARD_IDS="0,1"), "broken SHARD_IDS is wrong"),
    "shards of an unknown count": (of(SHARD_IDS="[0,1]"), "broken .*SHARD_COUNT"),
    "a shard beyond the count": (of(SHARD_IDS="[4]", SHARD_COUNT="4"), "broken .*SHARD_IDS"),
    "a shard twice": (of(SHARD_IDS="[0,0]", SHARD_COUNT="4"), "broken .*SHARD_IDS names a shard twice"),
    "no token": (of(DISCORD_TOKEN=""), "broken DISCORD_TOKEN is missing"),
    "a token with a word before it": (of(DISCORD_TOKEN="Bot MTEx.abc"), 'broken .*leave out the word "Bot"'),
    "a token with a space": (of(DISCORD_TOKEN="MTEx .abc"), "broken .*no spaces"),
    "secrets that all may read": (
        env_file("DISCORD_TOKEN=MTEx.a\n", 0o644),
        r"risky Everybody .* \.env, .*DISCORD_TOKEN",
    ),
    "a secret in a file of another name": (misnamed_secret, "risky There is no setting discord-token; did you mean"),
    "settings under another name": (
        settings_elsewhere,
        "risky There is .env.txt here and no .env",
    ),
    "no folder of secrets": (of(SECRETS_DIR="/nowhere"), "risky SECRETS_DIR names /nowhere"),
    "metrics open to all": (of(METRICS_PORT="9100", METRICS_HOST="0.0.0.0"), "risky /metrics is open on 0.0.0.0"),
    "metrics nowhere": (
        of(METRICS_PORT="9100", METRICS_HOST="256.1.1.1"),
        "broken METRICS_HOST is 256.1.1.1, which is no address of this host",
    ),
    "metrics where another listens": (taken_metrics, "risky METRICS_PORT [0-9]+ is taken on 127.0.0.1"),
    "traces in another tongue": (
        of(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4317", OTEL_EXPORTER_OTLP_PROTOCOL="grpc"),
        "risky OTEL_EXPORTER_OTLP_PROTOCOL is grpc",
    ),
    "traces to a word": (
        of(OTEL_EXPORTER_OTLP_ENDPOINT="collector"),
        "broken OTEL_EXPORTER_OTLP_ENDPOINT is collector, which is no address",
    ),
    "a proxy that is none": (of(HTTPS_PROXY="nonsense"), "broken HTTPS_PROXY is nonsense, which is no address"),
    "a proxy of a misspelt kind": (of(http_proxy="htp://me:secret@proxy:1"), "broken http_proxy is proxy:1, which is"),
    "a proxy that is gone": (
        of(https_proxy="http://me:secret@127.0.0.1:1"),
        r"risky Nothing answers at https_proxy \(127",
    ),
    "a time zone that is none": (of(TZ="Europe/Berln"), "risky TZ is Europe/Berln, a time zone that"),
    "a hub that is none": (of(HF_ENDPOINT="mirror"), "broken HF_ENDPOINT is mirror, which is no address"),
    "authorities that are not there": (of(SSL_CERT_FILE="/nowhere/ca.pem"), "broken SSL_CERT_FILE names /nowhere/ca"),
    "authorities that are none": (of(SSL_CERT_FILE="models.toml"), "broken SSL_CERT_FILE names models.toml, which"),
    "a home without room": (of(HOME="/proc/nowhere"), "risky HOME is /proc/nowhere, where no file can be made"),
    # Redis
    "no Sentinel": (
        of(REDIS_URL="redis+sentinel://127.0.0.1:1/easel"),
        r"broken .* \(none of the Sentinels",
    ),
    "a file of an address that is not there": (
        of(REDIS_URL="rediss://127.0.0.1:1?ssl_ca_certs=/nowhere.pem"),
        "broken REDIS_URL .*ssl_ca_certs names no file",
    ),
    "no address": (of(REDIS_URL=""), "broken .*REDIS_URL is not set"),
    "an address of the web": (of(REDIS_URL="http://127.0.0.1:6379"), "broken REDIS_URL is not an address of Redis"),
    "a database that is a word": (of(REDIS_URL="redis://127.0.0.1/queue"), "broken REDIS_URL .*number of a database"),
    "nobody there": (of(REDIS_URL="redis://127.0.0.1:1"), "broken Redis does not answer"),
    "a wrong password": (wrong_password, "broken Redis does not let us in"),
    "a missing right": (missing_right, "broken Redis does not let us work: .*zadd"),
    "a user that may not look": (blind_user, "risky .*cannot be seen.*info"),
    "memory that is short deletes jobs": (
        redis_with(maxmemory_policy="allkeys-lru"),
        "risky .*maxmemory-policy allkeys-lru",
    ),
    "little memory": (redis_with(maxmemory=10 * 2**20), "risky Redis may use 10 MiB"),
    "silent clients are cut off": (redis_with(timeout=30), r"risky .*silent for 30 s \(timeout\)"),
    "nothing kept": (redis_with(appendonly="no"), "risky .*append-only file"),
    "kept at the system's leisure": (redis_with(appendfsync="no"), "risky .*appendfsync no"),
    "kept too eagerly": (redis_with(appendfsync="always"), "risky .*appendfsync always"),
    "few connections": (redis_with(maxclients=100), "risky Redis takes 100 connections"),
    "replicas that are not there": (redis_with(min_replicas_to_write=1), "broken .*(min-replicas-to-write|NOREPLICAS)"),
    "a replica": (replica, "broken .*replica"),
    "a cluster": (cluster, "broken .*cluster"),
    "another program's queue": (
        redis_command("SADD", "rq:queues", "rq:queue:mails"),
        "risky Another program .*rq:queue:mails",
    ),
    "everything suspended": (redis_command("SET", "rq:suspended", "1"), "risky All queues are suspended"),
    "this host drained": (drained_host, "risky .* is drained"),
    "foreign entries": (redis_command("LPUSH", "easel:quarantined", "x"), "risky 1 entries that are none of ours"),
    # the image store
    "a store of another cloud": (of(IMAGE_STORE="gs://bucket"), "broken IMAGE_STORE is a folder or s3://"),
    "a store without a folder": (of(IMAGE_STORE="file://"), "broken IMAGE_STORE is file://, which names no folder"),
    "a store on another host": (of(IMAGE_STORE="file://nas/images"), "broken IMAGE_STORE is file://nas/images, which"),
    "a bucket at no address": (
        of(IMAGE_STORE="s3://b/x", AWS_ENDPOINT_URL="minio:9000"),
        "broken AWS_ENDPOINT_URL is minio:9000, which is no address",
    ),
    "a store without a bucket": (of(IMAGE_STORE="s3://"), "broken IMAGE_STORE names no bucket"),
    "a store that cannot be made": (of(IMAGE_STORE="/proc/nowhere"), "broken the image store in /proc/nowhere fails"),
    "a store that is a file": (store_is_a_file, "broken the image store in .*pictures fails"),
    "a store that all may write to": (open_store, "risky Everybody on this host may write to"),
    "a store in memory": (fleeting_store, "risky /dev/shm/.* lies on tmpfs"),
    "another store than the workers'": (another_store, "risky None of the last 1 jobs .*IMAGE_STORE"),
    # the catalogue and the workers
    "no catalogue": (of(CATALOGUE="nowhere.toml"), "broken .*nowhere.toml"),
    "a sampler that is none": (
        lambda house: house.catalogue(ROW.format(name="a", version="*").replace('"ddim"', '"dimm"')),
        "broken .*'dimm'.*'ddim'",
    ),
    "a word that nothing honours": (
        lambda house: house.catalogue(ROW.format(name="a", version="*").replace('"aspect"', '"aspekt"')),
        "broken .*'aspekt'.*'aspect'",
    ),
    "a model that nobody serves": (two_models, "risky No running worker draws with sdxl"),
    "a model that nobody can ask for": (unreachable_model, "risky No version means sdxl"),
    "a model that may change": (unpinned_model, "risky easel-small is fetched from owner/name at whatever"),
    "a licence that forbids it": (forbidden_model, "broken .*licence of easel-small forbids"),
    "workers with another catalogue": (another_catalogue, "risky Workers draw with dreams"),
    "two weights under one name": (two_weights, r"risky Workers have different weights under the name easel-small"),
    "workers of another version": (
        lambda house: house.worker(version="0.0.1"),
        "risky north-1-ab-cd runs Easel 0.0.1, and here is",
    ),
    "workers in another database": (another_database, "risky Workers draw for database 3 of this Redis"),
    "no worker": (no_worker, "risky No worker draws now"),
    "a device left alone": (
        lambda house: house.worker(name="north-device-0", state="left alone"),
        "risky .*left alone",
    ),
    "a model refused": (lambda house: house.worker(refused="easel-small"), "risky .*refuses easel-small"),
    # limits and words
    "words that are not there": (of(BLOCKED_WORDS="words.txt"), "broken BLOCKED_WORDS names words.txt, which cannot"),
    "a weight that is none": (of(BLOCKED_WORDS="nude=strong"), "broken BLOCKED_WORDS holds 'nude=strong'.*medium"),
    "a list of another program": (of(BLOCKED_WORDS="nude;gore"), "risky BLOCKED_WORDS holds 'nude;gore', in which ;"),
    "no word": (of(BLOCKED_WORDS=" , "), "risky BLOCKED_WORDS is set, but holds no word"),
    "more messages than Discord takes": (of(POSTS_PER_CHANNEL="50"), "risky POSTS_PER_CHANNEL is 50, but Discord"),
    "speeds the wrong way round": (of(WEIGHT_RELAX="30"), "risky WEIGHT_RELAX"),
    "no limit at all": (of(MAX_QUEUED_PER_USER="0", MAX_QUEUED_PER_GUILD="0"), "risky Nobody is limited"),
    "a person above a server": (of(MAX_QUEUED_PER_USER="300"), r"risky MAX_QUEUED_PER_USER \(300\) is above"),
    # Discord
    "a token that Discord does not know": (unknown_token, "broken Discord does not know DISCORD_TOKEN"),
    "another thing than the token": (
        public_key,
        r"broken .*DISCORD_TOKEN \(it looks like an .*public key",
    ),
    "a page in place of Discord": (
        lambda house: house.discord.answers.update({"/users/@me": (200, "sign in here")}),
        "risky What answers at http://127.* is not Discord",
    ),
    "a gateway that is none": (of(DISCORD_GATEWAY_URL="http://127.0.0.1:1"), "broken .*DISCORD_GATEWAY_URL is"),
    "a person's token": (at_discord("/users/@me", bot=False), "broken DISCORD_TOKEN is a person's"),
    "commands that go elsewhere": (
        at_discord("/applications/@me", interactions_endpoint_url="https://example.org"),
        "broken .*sends its commands to https://example.org",
    ),
    "a bot that cannot be invited": (
        at_discord("/applications/@me", bot_require_code_grant=True),
        "risky .*Requires OAuth2 Code Grant",
    ),
    "a bot in no server": (no_server, "risky The bot is in no server: .*client_id=1&"),
    "a role that may not attach files": (missing_permission, "risky .*lacks attach files in Studio"),
    "a Discord that is not there": (of(DISCORD_API_BASE="http://127.0.0.1:1"), "risky Discord cannot be reached"),
    "a token sent to a stranger": (of(DISCORD_API_BASE="http://example.org"), "broken .*example.org"),
    # the worker
    "a model with a typing error": (of(MODEL="easel-smal"), "broken MODEL names easel-smal.*easel-small"),
    "a folder that is not there": (of(MODEL_SOURCE="/nowhere/model"), "broken .*no model folder /nowhere/model"),
    "weights cut off": (cut_off_model, "broken .*its header says"),
    "a pointer in place of weights": (pointer_model, "broken .*Git LFS pointer"),
    "pictures larger than allowed": (of(MAX_PIXELS="1000"), "broken MAX_PIXELS is 1000"),
    "a card that is not there": (of(DEVICE="cuda"), "broken no GPU was found"),
    "an Apple's device": (of(DEVICE="mps"), "broken DEVICE=mps is for Apple"),
    "torch without CUDA beside a card": (fake_card, r"broken torch .* built for processors only.*NVIDIA H100"),
    "a card of no name": (of(DEVICE="auto", CUDA_VISIBLE_DEVICES="first"), "broken CUDA_VISIBLE_DEVICES names 'first'"),
    "threads that are no number": (of(OMP_NUM_THREADS="many"), "risky OMP_NUM_THREADS is many"),
    "more memory than there is": (of(MEMORY_GIB="100000"), "risky MEMORY_GIB is 100000, but cpu has"),
    "hardly any memory": (of(MEMORY_GIB="0.05"), "risky MEMORY_GIB is 0.05, which is 51 MiB"),
    "no time to end": (of(DRAIN_S="0"), "risky DRAIN_S is 0: "),
    "a folder for the hub below a file": (
        cache_below_a_file,
        "risky HF_HOME is .*taken/hub, where no file can be made",
    ),
    "a folder of one's own that all may write to": (open_state, "risky Everybody on this host may write to STATE_FOLD"),
    "pictures kept for an hour": (of(RETENTION_DAYS="0.04"), "risky RETENTION_DAYS is 0.04"),
    "keys among the pictures": (
        of(IMAGE_STORE="kept", STATE_FOLDER="kept/state"),
        "risky STATE_FOLDER kept/state lies in",
    ),
    "half precision on a processor": (of(DTYPE="bfloat16"), "risky DTYPE=bfloat16"),
    "more threads than cores": (of(OMP_NUM_THREADS="999"), "risky OMP_NUM_THREADS is 999"),
    "a folder of one's own that is a file": (state_is_a_file, "broken STATE_FOLDER"),
    "unsigned pictures": (of(SIGN="false"), "risky Pictures are not signed"),
    "a key that all may read": (readable_key, "risky Everybody on this host may read key.pem, the key that signs"),
    "a certificate for its key": (swapped_certificate, "broken .*signing certificate is no certificate in PEM form"),
    "a certificate without its key": (of(SIGNING_CERTIFICATE="c.pem"), "broken SIGNING_CERTIFICATE and SIGNING_KEY"),
    "MP4 without its library": (without_av, "broken ANIMATIONS is mp4, but PyAV is not installed: pip install"),
    "files larger than Discord takes": (of(UPLOAD_LIMIT_MB="400"), "risky UPLOAD_LIMIT_MB is 400"),
    # the API
    "an API open to all": (of(API_HOST="0.0.0.0", API_URL="https://a.example.org"), "risky The API is open on 0.0.0.0"),
    "an API nowhere": (of(API_HOST="256.1.1.1"), "broken API_HOST is 256.1.1.1, which is no address of this host"),
    "an API where the metrics are": (of(API_PORT="8123", METRICS_PORT="8123"), "broken API_PORT and METRICS_PORT are"),
    "an API among the metrics": (of(API_PORT="8125", METRICS_PORT="8123"), "risky API_PORT is 8125, and a worker with"),
    "an address with a query": (of(API_URL="https://a.example.org/?x=1"), "broken API_URL is https://a.example.org"),
    "an API without TLS": (of(API_URL="http://api.example.org"), "risky API_URL begins with http://"),
    "an address with a password": (of(API_URL="https://me:sixteen@a.example.org"), "broken API_URL is https://...@a."),
    "an address that is none": (of(API_URL="api.example.org"), "broken API_URL is api.example.org"),
    "a secret that is easily guessed": (of(API_SECRET="changemechangeme"), "risky API_SECRET can be guessed"),
    "an API that does not wait": (of(API_WAIT_S="1"), "risky API_WAIT_S is 1: requests end before"),
    "no secret": (of(API_SECRET=""), "risky API_SECRET is empty"),
    "a port that is taken": (taken_port, "risky API_PORT .*cannot be had"),
}


@pytest.mark.parametrize("name", PLANTS)
def test_a_misconfiguration_is_named(house: House, name: str, healthy: set[str]) -> None:
    """In one sentence, beside at most one other that follows from it; and nothing of it is a secret."""
    if name == "a store in memory" and not Path("/dev/shm").is_dir():
        pytest.skip("this system has no /dev/shm")
    if not healthy:
        healthy.update(house.examine())
    plant, expected = PLANTS[name]
    plant(house)
    new = [sentence for sentence in house.examine() if sentence not in healthy and SLOW not in sentence]
    named = [sentence for sentence in new if re.match(expected, sentence)]
    assert len(named) == 1, new
    assert len(new) <= 2, new
    assert not any(
        secret in sentence for sentence in new for secret in ("easel:right", "easel:wrong", "MTEx", "sixteen")
    )
    assert "\n" not in named[0]


def test_a_healthy_house_is_well(house: House) -> None:
    """Nothing is broken; with all models drawn once, too. How fast this machine draws is no fact of the house."""
    found = house.examine("--models")
    assert not [sentence for sentence in found if sentence.startswith(Severity.BROKEN)]
    risks = [sentence for sentence in found if "real Discord" not in sentence and " lies on overlay" not in sentence]
    of_the_host = " left, about ", "in version", "One step of", SLOW
    assert [risk for risk in risks if not any(words in risk for words in of_the_host)] == []


def test_a_model_that_does_not_draw_is_named(house: House) -> None:
    """It is loaded and one step is drawn: here the catalogue says another family than it is of."""
    text = ROW.format(name="easel-small", version="*").replace('"stable-diffusion"', '"stable-diffusion-xl"')
    house.catalogue(text + f'source = "{DEFAULT_MODEL}"\n')
    assert any(
        re.match("broken easel-small .*is of the family stable-diffusion", one) for one in house.examine("--models")
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("image_store", "images\r", "broken A space or line end is part of the value of IMAGE_STORE"),
        ("redis_url", " redis://127.0.0.1", "broken A space or line end is part of the value of REDIS_URL"),
        ("discord_token", "\u201cMTEx.a\u201d", "broken The quotation marks of DISCORD_TOKEN"),
        ("discord_token", "'MTEx.a", "risky A quotation mark at one end of DISCORD_TOKEN"),
        ("discord_token", "DISCORD_TOKEN=MTEx.a", "broken The value of DISCORD_TOKEN begins with its own name"),
        ("image_store", "$HOME/images", "broken IMAGE_STORE holds .HOME, which nothing filled in"),
        ("image_store", "%APPDATA%/images", "broken IMAGE_STORE holds %APPDATA%, which nothing filled in"),
        ("state_folder", "C:\\easel", "broken STATE_FOLDER is a path of Windows"),
        ("api_secret", "$words{}%THAT% ARE RANDOM", ""),
        ("redis_url", "redis://:p$WORD%20x@127.0.0.1", ""),
    ],
)
def test_what_does_not_belong_in_a_value_is_named(name: str, value: str, expected: str) -> None:
    """As a shell, an editor or another system leaves it there; a password may hold odd signs."""
    settings = WorkerSettings.model_validate({name: value})
    found = [f"{finding.severity} {finding.sentence}" for finding in value_findings(settings)]
    assert len(found) == bool(expected)
    assert all(re.match(expected, sentence) for sentence in found)


@pytest.mark.parametrize(
    ("limit", "value", "expected"),
    [
        (resource.RLIMIT_NOFILE, 128, "risky A process may open 128 files"),
        (resource.RLIMIT_FSIZE, 100_000, "risky A process may write files of 100,000 bytes"),
        (resource.RLIMIT_AS, 2**32, "risky A process may have 4,294,967,296 bytes of addresses"),
        (resource.RLIMIT_NPROC, 20, "risky A process may have 20 threads"),
        (resource.RLIMIT_CPU, 3600, "risky A process is ended here after 3,600 seconds"),
    ],
)
def test_a_limit_of_the_system_is_named(limit: int, value: int, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `ulimit` shows."""
    none = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda which: (value, value) if which == limit else none)
    [finding] = limit_findings()
    assert re.match(expected, f"{finding.severity} {finding.sentence}")


@pytest.mark.parametrize("zone", ["", "CET-1CEST,M3.5.0,M10.5.0/3", "<+07>-7", ":/etc/hosts"])
def test_a_time_zone_may_be_a_rule_or_a_file(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As POSIX and the C library have it."""
    monkeypatch.setenv("TZ", zone)
    assert [*environment_findings()] == []


def test_letters_that_cannot_be_written_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log with a prompt in Chinese would end the program."""
    monkeypatch.setattr("locale.getpreferredencoding", lambda _: "ISO-8859-1")
    [finding] = environment_findings()
    assert finding.sentence.startswith("Text is written as ISO-8859-1 here")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"redis_version": "5.0.7"}, "broken .*version 5.0.7"),
        ({"loading": 1}, "broken Redis is still reading"),
        ({"aof_last_write_status": "err"}, "broken Redis cannot write its append-only file"),
        ({"rdb_last_bgsave_status": "err"}, "risky Redis could not save"),
        ({"maxmemory": 2**30, "used_memory": 2**30 - 1}, "risky Redis uses 100 %"),
    ],
)
def test_what_a_test_cannot_make_redis_be(facts: dict[str, Any], expected: str) -> None:
    """Old, loading, on a full disk, full: as its INFO says it."""
    healthy: dict[str, Any] = {"redis_version": "7.2.4", "aof_enabled": 1, "role": "master"}
    assert list(_of_facts(healthy)) == []
    [finding] = _of_facts({**healthy, **facts})
    assert re.match(expected, f"{finding.severity} {finding.sentence}")


def test_a_clock_that_is_wrong_is_named(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour ahead of Redis."""
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3600)
    [finding] = _of_time(house.client)
    assert re.search(r" (3599|360\d) s ahead of that of Redis", finding.sentence)


def test_only_the_parts_of_this_host_are_examined(house: House) -> None:
    """A host that only runs the bot needs no model."""
    house.set(MODEL="nowhere", API_SECRET="")
    assert not any("MODEL" in sentence or "API_SECRET" in sentence for sentence in house.examine("--for", "bot"))
    result = CliRunner().invoke(app, ["doctor", "--for", "cook"], env=house.environment)
    assert (result.exit_code, "cook" in result.output) == (2, True)
