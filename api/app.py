"""The API as an ASGI application: its routes, and errors of every kind in the one shape that OpenAI's clients read."""

from __future__ import annotations

from importlib.metadata import version

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api import images, jobs
from api.door import Door, locale_of
from api.errors import ApiError, api_error
from api.shapes import Error
from contract.errors import UserError

log: structlog.stdlib.BoundLogger = structlog.get_logger()

ANSWERS = (400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503, 504)
"""Every status that is not the one asked for; the document says so of each route."""


def create_app(door: Door) -> FastAPI:
    """The application; errors of every kind leave it in one shape."""
    app = FastAPI(
        title="Easel",
        version=version("easel"),
        description="Pictures from words, by OpenAI's Images API.",
        responses={status: {"model": Error} for status in ANSWERS},
    )
    app.state.door = door
    app.include_router(images.ROUTES)
    app.include_router(jobs.ROUTES)

    @app.exception_handler(ApiError)
    async def _api(request: Request, error: ApiError) -> Response:
        return JSONResponse(error.body.model_dump(), error.status, error.headers)

    @app.exception_handler(UserError)
    async def _user(request: Request, error: UserError) -> Response:
        log.info("refused", kind=error.kind)
        return await _api(request, api_error(error, locale_of(request)))

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        detail = error.errors()[0]
        param = ".".join(str(place) for place in detail["loc"][1:]) or None
        return await _api(request, ApiError(400, f"{param or 'The request'}: {detail['msg']}.", "invalid_value", param))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        answer = await _api(request, ApiError(error.status_code, str(error.detail)))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    async def _unforeseen(request: Request, error: Exception) -> Response:
        log.error("a request failed", path=request.url.path, exc_info=error)
        return await _api(request, ApiError(500, "Something went wrong here. It is logged.", "server_error"))

    return app
