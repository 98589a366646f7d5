"""Errors as OpenAI's clients understand them: a status, a type, a stable code, one sentence."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime

from api.shapes import Error, Problem
from contract.errors import UserError
from contract.sentences import describe

_STATUS = {
    "banned": 403,
    "cooldown": 429,
    "not_invited": 403,
    "job_failed": 500,
    "model_not_found": 404,
    "model_not_offered": 404,
    "newcomers_limit": 429,
    "no_such_job": 404,
    "not_running": 409,
    "not_your_job": 404,
    "picture_unchecked": 500,
    "queue_full": 429,
    "queue_unreachable": 503,
    "rate_limited": 429,
    "store_unreachable": 503,
    "used_up": 429,
}
"""HTTP's status of a kind of error; every other one is the caller's to mend: 400."""

_MOMENT = re.compile(r"<t:(\d{1,11}):R>")
"""A moment as Discord shows it."""
_SOON_S = 10
"""What a caller is told to wait where it is not known how long: a client's own pauses are shorter, and too few."""
_NOBODY_KNOWS = frozenset({"newcomers_limit", "queue_full", "queue_unreachable", "store_unreachable"})
"""Refusals that end when a job does, or when something comes back."""
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "conflict_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}


class ApiError(Exception):
    """An answer that is not the one asked for. `again` is when the same request may go well, or
    in how many seconds."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        param: str | None = None,
        again: datetime | int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        if again is not None:
            self.headers["Retry-After"] = str(again) if isinstance(again, int) else format_datetime(again, usegmt=True)
        self.body = Error(
            error=Problem(message=message, type=_TYPES.get(status, "server_error"), code=code, param=param)
        )


def api_error(error: UserError, locale: str) -> ApiError:
    """What a caller is told of an error of the service."""
    title, sentence = describe(error, locale)
    sentence = _MOMENT.sub(lambda found: f"{_time(found[1]):%Y-%m-%d %H:%M UTC}", sentence)
    status = _STATUS.get(error.kind, 400)
    param = "prompt" if status == 400 else None
    return ApiError(status, f"{title}: {sentence}", error.kind, param, _again(error) if status in (429, 503) else None)


def _again(error: UserError) -> datetime | int | None:
    """When the same request may go well, as far as anybody knows."""
    moment = error.values.get("again", error.values.get("renews"))
    if moment is not None:
        return _time(moment)
    return _SOON_S if error.kind in _NOBODY_KNOWS else None


def _time(moment: object) -> datetime:
    return datetime.fromtimestamp(int(str(moment)), UTC)
