"""What is wrong with the API's settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from api.settings import ApiSettings
from exchange.doctor.findings import Finding, broken, risky
from exchange.doctor.host import is_loopback, is_ours, listen

ABOUT = "the API"
SHORT_WAIT_S = 15
CARDS = 16
"""A host seldom has more."""


def api_findings(settings: ApiSettings) -> Iterator[Finding]:
    """Where it is open, what its links say, and whether they outlive a restart."""
    parts = urlsplit(settings.api_url)
    if settings.api_url and not _is_address(settings.api_url):
        shown = re.sub(r"//.*@", "//...@", settings.api_url)  # a password may stand before the host
        yield broken(ABOUT, f"API_URL is {shown}, which is no address such as https://api.example.org.")
    elif settings.api_url and parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        yield risky(ABOUT, "API_URL begins with http://: keys and pictures travel unencrypted; put TLS before the API.")
    if not is_ours(settings.api_host):
        yield broken(ABOUT, f"API_HOST is {settings.api_host}, which is no address of this host.")
        return
    if settings.api_port and settings.api_port == settings.metrics_port:
        yield broken(ABOUT, f"API_PORT and METRICS_PORT are both {settings.api_port}: give one of them another.")
    elif settings.metrics_port and 0 < settings.api_port - settings.metrics_port < CARDS:
        yield risky(
            ABOUT,
            f"API_PORT is {settings.api_port}, and a worker with several cards counts on from METRICS_PORT "
            f"{settings.metrics_port}, one for each: keep {CARDS} free from there.",
        )
    if not is_loopback(settings.api_host):
        yield risky(
            ABOUT,
            f"The API is open on {settings.api_host} without TLS: leave it at 127.0.0.1 and put a proxy before it.",
        )
        if not settings.api_url:
            yield risky(
                ABOUT, f"API_URL is empty, so links to pictures name {settings.api_host}: set it to what callers use."
            )
    if settings.api_wait_s < SHORT_WAIT_S:
        yield risky(
            ABOUT,
            f"API_WAIT_S is {settings.api_wait_s:g}: requests end before most pictures are drawn, which are drawn all "
            "the same; give them a minute or more.",
        )
    if settings.api_secret is None:
        yield risky(
            ABOUT,
            "API_SECRET is empty: links to pictures end with each restart, and webhooks are not sent; set it to 16 or "
            "more random letters, the same for those who deliver.",
        )
    try:
        listen(settings.api_host, settings.api_port).close()
    except OSError as error:
        yield risky(
            ABOUT,
            f"API_PORT {settings.api_port} cannot be had on {settings.api_host} ({error.strerror}): is an API running, "
            "or another program?",
        )


def _is_address(url: str) -> bool:
    """Whether links can begin with it: no password, no query, a port that is one."""
    try:
        port = urlsplit(url).port
    except ValueError:
        return False
    return port != 0 and re.fullmatch(r"https?://[^/\s@?#]+(?:/[^\s?#]*)?", url) is not None
