"""What is wrong with a host and its settings, whatever process runs there."""

from __future__ import annotations

import codecs
import io
import ipaddress
import locale
import os
import re
import resource
import socket
import ssl
import stat
import zoneinfo
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from dotenv.parser import parse_stream
from pydantic import SecretStr

from exchange.doctor.findings import Finding, Severity, broken, risky
from exchange.settings import CommonSettings
from exchange.tracing import ENDPOINTS

ABOUT = "this host"
_LIMITS = (
    (
        resource.RLIMIT_NOFILE,
        1024,  # a worker holds a few hundred: connections, pictures, weights
        "may open {limit} files here, which is too few on a busy day: `ulimit -n 4096`.",
    ),
    (
        resource.RLIMIT_FSIZE,
        256 * 2**20,
        "may write files of {limit:,} bytes here, and weights and graphs are larger: `ulimit -f unlimited`.",
    ),
    (
        resource.RLIMIT_AS,
        8 * 2**30,
        "may have {limit:,} bytes of addresses here, and torch takes more than it fills: `ulimit -v unlimited`.",
    ),
    (
        resource.RLIMIT_NPROC,
        256,
        "may have {limit} threads here, with all others of its user: `ulimit -u 4096`.",
    ),
    (
        resource.RLIMIT_CPU,
        resource.RLIM_INFINITY,
        "is ended here after {limit:,} seconds of work: `ulimit -t unlimited`.",
    ),
)
"""What the system limits, how much of it is enough, and what is said of less."""

_SECRETS = ("DISCORD_TOKEN", "REDIS_URL", "REDIS_PASSWORD", "API_SECRET", "AWS_SECRET_ACCESS_KEY")
_PROXIES = tuple(form for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") for form in (name, name.lower()))
_ADDRESSES = (
    (ENDPOINTS, "https?", "http://127.0.0.1:4318"),
    (_PROXIES, "https?|socks4a?|socks5h?", "http://proxy.example.org:3128"),
    (("HF_ENDPOINT",), "https?", "https://hub.example.org"),
)
"""Variables, what their values begin with, and an example."""
_EXPANDED = frozenset({"model_source"})
"""Settings in which ~ means somebody's home."""
_LISTS = frozenset({"blocked_words"})
"""Settings whose signs and spaces are read by themselves."""
_QUOTES = "\"'`“”„‘’«»"
_OTHER_NAMES = (".env.txt", "env", "env.txt", ".env.local", ".env.production")
"""What `.env` is called by mistake, or by other programs."""
_LETTERS = 8
"""Random letters repeat seldom: 16 of them are more different ones than that."""
ANSWER_S = 2.0
"""How long a proxy may take to answer."""
AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")


def host_findings(settings: CommonSettings) -> Iterator[Finding]:
    """Files with secrets, limits of the system, packages, open ports, a stand-in for Discord."""
    yield from _of_files()
    yield from value_findings(settings)
    yield from limit_findings()
    yield from _of_packages()
    if settings.metrics_port is not None and not is_ours(settings.metrics_host):
        yield broken("metrics", f"METRICS_HOST is {settings.metrics_host}, which is no address of this host.")
    elif settings.metrics_port == 0:
        yield risky("metrics", "METRICS_PORT is 0, a free port at each start, which no Prometheus knows: name one.")
    elif settings.metrics_port is not None and not is_loopback(settings.metrics_host):
        yield risky(
            "metrics",
            f"/metrics is open on {settings.metrics_host}: whoever reaches it sees how much is drawn; "
            "keep METRICS_HOST at 127.0.0.1, or on a private network.",
        )
    yield from _of_network()
    yield from _of_traces()
    yield from environment_findings()
    if settings.discord_api_base:
        yield risky(
            "Discord",
            f"This is not the real Discord: the token goes to {settings.discord_api_base}; leave DISCORD_API_BASE out.",
        )


def environment_findings() -> Iterator[Finding]:
    """What all programs read of their surroundings: the time of day, and how letters are written."""
    zone = os.environ.get("TZ", "").removeprefix(":")
    if zone and not _is_zone(zone):
        yield risky(
            ABOUT,
            f"TZ is {zone}, a time zone that this system does not know, so that times are those of UTC: "
            "TZ=Europe/Berlin, with the package tzdata.",
        )
    encoding = locale.getpreferredencoding(False)
    if codecs.lookup(encoding).name not in ("utf-8", "ascii"):  # ASCII is what is said where UTF-8 is meant (PEP 538)
        yield risky(
            ABOUT,
            f"Text is written as {encoding} here, which lacks most of what people type: set LC_ALL=C.UTF-8 or "
            "PYTHONUTF8=1.",
        )


def _is_zone(name: str) -> bool:
    """Whether it is a zone that the system knows, a file with one, or a rule as POSIX has them (CET-1CEST)."""
    if name.startswith("/"):
        return Path(name).is_file()
    if re.match(r"(?:[A-Za-z]{3,}|<[+\-\w]{3,}>)[+-]?\d", name):
        return True
    try:
        zoneinfo.ZoneInfo(name)
    except (OSError, KeyError, ValueError):
        return False
    return True


def _of_traces() -> Iterator[Finding]:
    kind = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") or "http/protobuf"
    if kind != "http/protobuf" and any(os.environ.get(name) for name in ENDPOINTS):
        yield risky(
            ABOUT,
            f"OTEL_EXPORTER_OTLP_PROTOCOL is {kind}, but traces go out as http/protobuf: name the collector's port for "
            "that, which is usually 4318, and unset it.",
        )


def port_findings(settings: CommonSettings) -> Iterator[Finding]:
    """What else listens where this process would; at a start, serving itself says so."""
    port, host = settings.metrics_port, settings.metrics_host
    if port and is_ours(host) and not is_free(host, port):
        yield risky(
            "metrics",
            f"METRICS_PORT {port} is taken on {host}: if not by Easel at work, give it another; each process of a host "
            "needs one of its own.",
        )


def value_findings(settings: CommonSettings) -> Iterator[Finding]:
    """Values that hold what a shell or an editor would have taken away, or filled in: Docker's `--env-file` and systemd
    do not."""
    for name, value in settings:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not isinstance(text, str) or not text:
            continue
        yield from _of_text(name, text)
        if not isinstance(value, SecretStr):
            yield from _of_place(name, text)
        elif name == "api_secret" and len(set(text)) < _LETTERS:
            yield risky(
                ABOUT, f"{name.upper()} can be guessed: take 16 or more random letters (`openssl rand -hex 32`)."
            )


def _of_text(name: str, text: str) -> Iterator[Finding]:
    """What belongs in no value, be it a secret."""
    setting = name.upper()
    quoted = (text[0] in _QUOTES) + (text[-1] in _QUOTES)
    if quoted == 2 and len(text) > 1:
        yield broken(ABOUT, f"The quotation marks of {setting} are part of its value: write it without them.")
    elif quoted:
        yield risky(ABOUT, f"A quotation mark at one end of {setting} is part of its value: write it without.")
    if text != text.strip() and name not in _LISTS:
        yield broken(
            ABOUT,
            f"A space or line end is part of the value of {setting}, as copied text and Windows' files (CRLF) bring "
            "them: take it away.",
        )
    if text.upper().startswith(f"{setting}="):
        yield broken(ABOUT, f"The value of {setting} begins with its own name: write what follows the = alone.")
    if re.search(r"\$\{\w+\}", text):
        yield broken(ABOUT, f"{setting} holds ${{...}}, which nothing filled in: write the value itself.")
    if re.search(r"\s#\s", text):
        yield broken(ABOUT, f"The remark behind {setting} became part of its value: give it a line of its own.")
    if text.startswith("~/") and name not in _EXPANDED:
        yield broken(ABOUT, f"{setting} begins with ~, which is a folder of that name here: write the whole path.")


def _of_place(name: str, text: str) -> Iterator[Finding]:
    """What a path may not hold; in a password it may."""
    setting = name.upper()
    if name not in _LISTS and (found := re.search(r"\$[A-Za-z_]\w*|%[A-Z_]{2,}%", text)):
        yield broken(ABOUT, f"{setting} holds {found[0]}, which nothing filled in: write the value itself.")
    if os.name != "nt" and re.match(r"[A-Za-z]:[\\/]|\\\\", text):
        yield broken(
            ABOUT, f"{setting} is a path of Windows, which is one file of an odd name here: write it as /folder/name."
        )


def kept_findings(folder: Path, severity: Severity) -> Iterator[Finding]:
    """Whether a process's own folder (STATE_FOLDER) can be written, and by nobody else; `severity` is how bad it is
    for that process if it cannot."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".doctor-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        sentence = (
            f"STATE_FOLDER {folder} cannot be written: {error.strerror}; what a process keeps for itself is there."
        )
        yield Finding(severity, ABOUT, sentence)
        return
    if folder.stat().st_mode & stat.S_IWOTH:
        yield risky(
            ABOUT,
            f"Everybody on this host may write to STATE_FOLDER {folder}, where a process keeps what is its own: "
            f"`chmod o-w {folder}`.",
        )


def has_room_for_files(place: Path) -> bool:
    """Whether files can be made in a folder, which need not be there yet."""
    beginning = next((one for one in (place, *place.parents) if one.exists()), place)
    try:
        with TemporaryDirectory(dir=beginning):
            return True
    except OSError:
        return False


def limit_findings() -> Iterator[Finding]:
    """What the system lets a process have, and whom it lets write to what one makes."""
    for which, enough, sentence in _LIMITS:
        limit, _ = resource.getrlimit(which)
        if limit != resource.RLIM_INFINITY and (enough == resource.RLIM_INFINITY or limit < enough):
            yield risky(ABOUT, "A process " + sentence.format(limit=limit))
    mask = _umask()
    if not mask & stat.S_IWOTH:
        yield risky(
            ABOUT, f"Everybody on this host may write to files that are made here (umask {mask:03o}): `umask 022`."
        )


def _umask() -> int:
    """The mask of files that this process makes; the usual one where the system does not say."""
    try:
        found = re.search(r"^Umask:\s*([0-7]+)", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return 0o022
    return int(found[1], 8) if found else 0o022


def _of_network() -> Iterator[Finding]:
    """Variables that libraries read: where to send what, and whose certificates to believe."""
    for names, schemes, example in _ADDRESSES:
        for name in names:
            value = os.environ.get(name) or ""
            shown = value.rpartition("@")[2]  # a password may stand before the host
            right = re.fullmatch(rf"(?:{schemes})://[^/\s]+(?:/\S*)?", value) and _has_a_port(value)
            if value and not right:
                yield broken(ABOUT, f"{name} is {shown}, which is no address such as {example}: mend it, or unset it.")
            elif value and names is _PROXIES and (why := _lack_of_answer(value)):
                yield risky(
                    ABOUT,
                    f"Nothing answers at {name} ({shown}): {why}; what goes through it fails, such as fetching models.",
                )
    for name in AUTHORITIES:
        place = os.environ.get(name)
        if place and (lack := _lack_of_authorities(Path(place), folder=not name.endswith("FILE"))):
            yield broken(
                ABOUT,
                f"{name} names {place}, which {lack}, so that no certificate could be checked: mend it, or unset it.",
            )


def _lack_of_answer(address: str) -> str:
    """Why nothing can be sent to an address; empty where something listens there."""
    parts = urlsplit(address)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 1080)
    try:
        socket.create_connection((parts.hostname or "", port), ANSWER_S).close()
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or str(error) or type(error).__name__
    return ""


def _has_a_port(address: str) -> bool:
    """Whether the port of an address is one, where it names one."""
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False


def _lack_of_authorities(place: Path, *, folder: bool) -> str:
    """Why certificates cannot be checked with what lies there; empty where they can. `folder`: it may be one."""
    if not place.exists():
        return "is not there"
    if place.is_dir():
        return "" if folder else "is a folder"
    try:
        ssl.create_default_context(cafile=place)
    except (OSError, ssl.SSLError):
        return "holds no certificates"
    return ""


def is_ours(host: str) -> bool:
    """Whether something can listen at an address here."""
    return is_free(host, 0)


def is_free(host: str, port: int) -> bool:
    """Whether nothing listens at a port here."""
    try:
        listen(host, port).close()
    except OSError:
        return False
    return True


def listen(host: str, port: int) -> socket.socket:
    """A server there. OSError."""
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _of_files() -> Iterator[Finding]:
    file = Path(".env")
    if file.is_dir():
        yield risky(ABOUT, ".env is a folder (Docker makes one where a file is missing): its settings are not read.")
    if not file.exists() and (named := next((name for name in _OTHER_NAMES if Path(name).is_file()), None)):
        yield risky(ABOUT, f"There is {named} here and no .env: only a file of that name is read; rename it.")
    if file.is_file():
        try:
            lines = list(parse_stream(io.StringIO(file.read_text(encoding="utf-8"))))
        except (OSError, UnicodeDecodeError) as error:
            yield broken(ABOUT, f".env cannot be read: {error}")
            return
        for line in lines:
            if line.error or (line.key and line.value is None):
                yield risky(ABOUT, f"Line {line.original.line} of .env is not NAME=value: nothing reads it; mend it.")
        counts = Counter(line.key for line in lines if line.key)
        for name in (name for name, count in counts.items() if count > 1):
            yield risky(ABOUT, f".env sets {name} {counts[name]} times, and the last one counts: keep that one.")
        held = [name for name in _SECRETS if any(line.key == name and line.value for line in lines)]
        if held and file.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
            yield risky(ABOUT, f"Everybody on this host may read .env, which holds {held[0]}: `chmod 600 .env`.")
    folder = os.environ.get("SECRETS_DIR")
    if folder and not Path(folder).is_dir():
        yield risky(ABOUT, f"SECRETS_DIR names {folder}, which is no folder: secrets in it are not read.")


def _of_packages() -> Iterator[Finding]:
    """What is installed in another version than the one that was tried out."""
    for line in requires("easel") or ():
        wish = line.partition(";")[0].strip()
        name, exact, pinned = wish.partition("==")
        try:
            found = version(name.partition("[")[0].strip())
        except PackageNotFoundError:
            continue  # of an extra that this host does not need, or else its import says so
        if exact and found.partition("+")[0] != pinned.strip():
            yield risky(
                ABOUT,
                f"{name} is here in version {found}, and Easel was tried out with {pinned}: install it again with "
                "`pip install -c constraints.txt`.",
            )
