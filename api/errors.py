"""Errors as OpenAI's clients understand them: a status, a type, a stable code, one sentence."""

from __future__ import annotations

from api.shapes import Error, Problem
from contract.errors import UserError
from contract.sentences import describe

_STATUS = {
    "banned": 403,
    "not_invited": 403,
    "job_failed": 500,
    "model_not_offered": 404,
    "newcomers_limit": 429,
    "no_such_job": 404,
    "not_running": 409,
    "not_your_job": 404,
    "queue_full": 429,
    "queue_unreachable": 503,
    "rate_limited": 429,
    "store_unreachable": 503,
}
"""HTTP's status of a kind of error; every other one is the caller's to mend: 400."""

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
    """An answer that is not the one asked for."""

    def __init__(self, status: int, message: str, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = Error(
            error=Problem(message=message, type=_TYPES.get(status, "server_error"), code=code, param=param)
        )


def api_error(error: UserError, locale: str) -> ApiError:
    """What a caller is told of an error of the service."""
    title, sentence = describe(error, locale)
    status = _STATUS.get(error.kind, 400)
    return ApiError(status, f"{title}: {sentence}", error.kind, "prompt" if status == 400 else None)
