"""Redis as a fleet has it: behind Sentinels that fail over, with an ACL user, over TLS."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import SentinelConnectionPool

from exchange.connection import RedisUnavailable, check, connect, connect_async
from exchange.delivery import MessageRef
from exchange.embedded import _binary
from exchange.queue import JobQueue
from tests.contract.factories import priced
from tests.exchange.jobs import job
from tests.exchange.worker import PlainWorker


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def until(condition: Callable[[], object], within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "this did not happen in time"
        time.sleep(0.05)


def answers(port: int, *command: str) -> bool:
    client = redis.Redis(port=port, retry=Retry(NoBackoff(), 0), socket_timeout=2)
    try:
        return bool(client.execute_command(*(command or ("PING",))))
    except redis.exceptions.RedisError:
        return False
    finally:
        client.close()


class Fleet:
    """A master, a replica and a Sentinel on ports of 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.master, self.replica, self.sentinel = free_port(), free_port(), free_port()
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.start(self.master)
        self.start(self.replica, "--replicaof", "127.0.0.1", str(self.master), "--repl-diskless-sync-delay", "0")
        until(lambda: answers(self.master, "WAIT", "1", "200"))
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {self.sentinel}\nbind 127.0.0.1\nsentinel monitor mymaster 127.0.0.1 {self.master} 1\n"
            "sentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 3000\n"
        )
        self._run(self.sentinel, str(config), "--sentinel")
        client = redis.Redis(port=self.sentinel, decode_responses=True)
        until(lambda: client.sentinel_slaves("mymaster"))
        client.close()

    def start(self, port: int, *options: str) -> None:
        data = self.folder / str(port)
        data.mkdir()
        self._run(port, *("--port", str(port), "--bind", "127.0.0.1", "--dir", str(data), "--save", ""), *options)

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()

    def _run(self, port: int, *options: str) -> None:
        process = subprocess.Popen([_binary(), *options], stdout=subprocess.DEVNULL, cwd=self.folder)
        self.processes[port] = process
        until(lambda: answers(port))


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.stop()


async def test_a_failover_loses_no_accepted_job(fleet: Fleet) -> None:
    """The same clients go on with the replica that became master; the job is still there and runs."""
    url = f"redis+sentinel://127.0.0.1:{fleet.sentinel}/mymaster/0"
    async_client, client = connect_async(url), connect(url)
    check(client)
    queue = JobQueue(async_client)
    await queue.submit(priced(job(), 1, model="m"))
    assert client.wait(1, 2000) == 1
    fleet.processes[fleet.master].kill()
    await asyncio.to_thread(until, lambda: answers(fleet.replica, "SET", "elected", "1"))
    assert await queue.release(job().id, MessageRef(1, 2))
    assert PlainWorker(client).claim() == job().id
    # A client leaves the connections to its Sentinels open until the process ends.
    async_pool, pool = async_client.connection_pool, client.connection_pool
    assert isinstance(async_pool, AsyncSentinelConnectionPool)
    for one in async_pool.sentinel_manager.sentinels:
        await one.aclose()
    assert isinstance(pool, SentinelConnectionPool)
    for other in pool.sentinel_manager.sentinels:
        other.close()
    await async_client.aclose()
    client.close()


async def test_an_acl_user_needs_its_own_keys_only(redis_url: str, client: redis.Redis) -> None:
    """Keys of RQ and Easel, their channels, and no administration."""
    client.acl_setuser(
        "easel",
        enabled=True,
        passwords=["+p@ss"],
        keys=["rq:*", "easel:*"],
        channels=["easel:*", "rq:*"],
        categories=["+@all", "-@dangerous"],
    )
    try:
        path = urlsplit(redis_url).path
        permitted = connect(f"unix://easel:p%40ss@{path}")
        check(permitted)
        async_client = connect_async(f"unix://easel:p%40ss@{path}")
        queue = JobQueue(async_client)
        await queue.submit(priced(job(), 1, model="m"))
        await queue.release(job().id, MessageRef(1, 2))
        worker = PlainWorker(permitted)
        assert worker.claim() == job().id
        assert worker.finish(job().id)
        with pytest.raises(redis.exceptions.NoPermissionError):
            permitted.flushall()
        with pytest.raises(RedisUnavailable, match="invalid username-password"):
            check(connect(f"unix://easel:guess@{path}"))
        await async_client.aclose()
        permitted.close()
    finally:
        client.acl_deluser("easel")


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, signed by itself, and its key."""
    x509 = pytest.importorskip("cryptography.x509", reason="cryptography is not installed")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "easel test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


@pytest.fixture
def tls(redis_url: str, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """TLS in front of the server, as a cloud's load balancer has it: a port, and the certificate to trust."""
    certificate_file, key_file = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    loop = asyncio.new_event_loop()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_unix_connection(urlsplit(redis_url).path)

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(65536):
                    target.write(data)
                    await target.drain()
            finally:
                target.close()
                await target.wait_closed()

        await asyncio.gather(copy(reader, upstream_writer), copy(upstream_reader, writer), return_exceptions=True)

    server = loop.run_until_complete(asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[1], certificate_file

    async def end() -> None:
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(end(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def test_tls_is_checked_against_the_given_authority(tls: tuple[int, Path], client: redis.Redis) -> None:
    """`ssl_ca_certs` in the address trusts it; without, an unknown authority is refused."""
    port, authority = tls
    url = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={authority}"
    secured, async_client = connect(url), connect_async(url)
    check(secured)
    await JobQueue(async_client).submit(priced(job(), 1, model="m"))
    assert secured.exists(f"easel:job:{job().id}")
    with pytest.raises(RedisUnavailable, match=r"(?i)certificate"):
        check(connect(f"rediss://127.0.0.1:{port}/0"))
    with pytest.raises(RedisUnavailable, match="a server with TLS: write rediss://"):
        check(connect(f"redis://127.0.0.1:{port}/0"))
    await async_client.aclose()
    secured.close()
