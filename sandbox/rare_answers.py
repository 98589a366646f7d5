"""What Discord, and the servers before it, answer on rarer days: pages instead of JSON, and refusals with a code.

Codes and sentences are those of Discord's list of JSON error codes (docs: Topics, Opcodes and Status Codes); the pages
are the kinds that Cloudflare shows in its place.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class RareAnswer(Exception):
    """An answer that is not in the form of the API's own; it is sent exactly so."""

    status: int
    text: str
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def _coded(status: int, code: int, message: str, **more: object) -> RareAnswer:
    return RareAnswer(status, json.dumps({"message": message, "code": code} | more))


def _page(status: int, title: str, **headers: str) -> RareAnswer:
    text = (
        f"<!DOCTYPE html>\n<html>\n<head><title>{title}</title></head>\n"
        f"<body><h1>{title}</h1><p>Cloudflare Ray ID: 8a1b2c3d4e5f6071</p></body>\n</html>\n"
    )
    return RareAnswer(status, text, "text/html", {"Server": "cloudflare", "CF-RAY": "8a1b2c3d4e5f6071-FRA"} | headers)


_BLOCKED = "Attention Required! | Cloudflare"
_ODD_4XX: tuple[RareAnswer, ...] = (
    _page(400, "400 Bad Request"),
    _page(403, _BLOCKED),
    _page(403, "Just a moment..."),
    _page(404, "404 Not Found"),
    _page(405, "405 Not Allowed"),
    _page(408, "408 Request Time-out"),
    _page(409, "409 Conflict"),
    _page(421, "421 Misdirected Request"),
    _page(425, "425 Too Early"),
    _page(499, "499 Client Closed Request"),
    RareAnswer(400, ""),
    RareAnswer(400, "error code: 1020", "text/plain"),
    RareAnswer(400, "null"),
    RareAnswer(400, "[]"),
    RareAnswer(403, '{"message": "Forbid'),
    RareAnswer(403, '"Forbidden"'),
    RareAnswer(403, '{"message": null, "code": null}'),
    RareAnswer(403, '{"message": "internal network error", "code": "40333"}'),
    _coded(403, 40333, "internal network error"),
    _coded(403, 0, "403: Forbidden"),
    _coded(404, 0, "404: Not Found"),
    _coded(400, 0, "400: Bad Request"),
    _coded(409, 0, "409: Conflict"),
    _coded(400, 999_999, "An error that is not on any list"),
)

RARE: dict[str, Callable[[random.Random], RareAnswer]] = {
    # Before Discord: Cloudflare's pages. The last is its own rate limit, which has no JSON and no Via header.
    "cloudflare_block": lambda _: _page(403, _BLOCKED),
    "cloudflare_challenge": lambda _: _page(403, "Just a moment..."),
    "cloudflare_bad_gateway": lambda _: _page(502, "discord.com | 502: Bad gateway"),
    "cloudflare_timeout": lambda _: _page(524, "discord.com | 524: A timeout occurred"),
    "cloudflare_ban": lambda _: _page(429, "Error 1015: You are being rate limited", **{"Retry-After": "30"}),
    # Discord itself.
    "internal_network_error": lambda _: _coded(403, 40333, "internal network error"),
    "overloaded": lambda _: _coded(503, 130000, "API resource is currently overloaded. Try again a little later"),
    "locked_thread": lambda _: _coded(403, 50083, "Thread is archived"),
    "automod": lambda _: _coded(400, 200000, "Message was blocked by automatic moderation"),
    "automod_title": lambda _: _coded(400, 200001, "Title was blocked by automatic moderation"),
    "harmful_link": lambda _: _coded(400, 240000, "Message blocked by harmful links filter"),
    "explicit_content": lambda _: _coded(400, 20009, "Explicit content cannot be sent to the desired recipient(s)"),
    "slow_mode": lambda _: _coded(
        429, 20016, "This action cannot be performed due to slowmode rate limit", retry_after=5.0
    ),
    "missing_access": lambda _: _coded(403, 50001, "Missing Access"),
    "missing_permissions": lambda _: _coded(403, 50013, "Missing Permissions"),
    "closed_direct_messages": lambda _: _coded(403, 50007, "Cannot send messages to this user"),
    "verification_needed": lambda _: _coded(
        403, 40002, "You need to verify your account in order to perform this action."
    ),
    "voice_only": lambda _: _coded(400, 50008, "Cannot send messages in a non-text channel"),
    "unknown_channel": lambda _: _coded(404, 10003, "Unknown Channel"),
    "unknown_message": lambda _: _coded(404, 10008, "Unknown Message"),
    "unknown_webhook": lambda _: _coded(404, 10015, "Unknown Webhook"),
    "unknown_interaction": lambda _: _coded(404, 10062, "Unknown interaction"),
    "already_acknowledged": lambda _: _coded(400, 40060, "Interaction has already been acknowledged."),
    "expired_token": lambda _: _coded(401, 50027, "Invalid Webhook Token"),
    "unauthorized": lambda _: _coded(401, 0, "401: Unauthorized"),
    "too_large": lambda _: _coded(413, 40005, "Request entity too large"),
    # Neither success nor refusal: what a middlebox makes of an answer.
    "success_as_page": lambda _: _page(200, "discord.com"),
    "success_cut_short": lambda _: RareAnswer(200, '{"id": "1'),
    # Any 4xx whose body says nothing that is known to be final.
    "odd_4xx": lambda rng: rng.choice(_ODD_4XX),
}
