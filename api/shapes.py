"""What goes over the wire: OpenAI's Images API as its clients send and read it.

https://platform.openai.com/docs/api-reference/images
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_PICTURES = 8
"""Pictures of one request: two grids."""
MAX_PROMPT = 6000
"""Characters of a prompt."""


class Options(BaseModel):
    """What a request may say beside its words and pictures. Fields of theirs that mean nothing here are taken and have
    no effect. `moderation` is `low` for a caller who means it where a person would be asked."""

    model_config = ConfigDict(extra="ignore")

    model: Annotated[str, Field(max_length=200)] | None = None
    n: Annotated[int, Field(ge=1, le=MAX_PICTURES)] | None = 1
    size: Annotated[str, Field(pattern=r"^(auto|[1-9]\d{0,4}x[1-9]\d{0,4})$")] | None = "auto"
    quality: Literal["auto", "standard", "hd", "low", "medium", "high"] | None = "auto"
    response_format: Literal["b64_json", "url"] | None = "b64_json"
    output_format: Literal["png"] | None = "png"
    moderation: Literal["auto", "low"] | None = "auto"
    stream: bool | None = False
    partial_images: Annotated[int, Field(ge=0, le=3)] | None = 0
    user: Annotated[str, Field(max_length=500)] | None = None


class Generation(Options):
    """A request for pictures from words."""

    prompt: Annotated[str, Field(min_length=1, max_length=MAX_PROMPT)]


class Image(BaseModel):
    """One picture: its bytes in base64, or where to get it for an hour."""

    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None


class Images(BaseModel):
    """The answer. `created` is Unix time in seconds. `jobs` are Easel's own, for the other routes."""

    created: int
    data: list[Image]
    output_format: Literal["png"] = "png"
    size: str
    jobs: list[str]


class Model(BaseModel):
    """A model on offer."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "easel"


class Models(BaseModel):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[Model]


class JobView(BaseModel):
    """Where a job stands. `images` are there once it is `rendered`, `delivering` or `delivered`."""

    id: str
    state: str
    prompt: str
    error: dict[str, Any] | None = None
    images: list[Image]


class Problem(BaseModel):
    """What went wrong. `code` is a stable word, `param` the field that caused it."""

    message: str
    type: str
    code: str | None = None
    param: str | None = None


class Error(BaseModel):
    """Every answer that is not the one asked for."""

    error: Problem
