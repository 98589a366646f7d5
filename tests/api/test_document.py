"""The API keeps its own document: whatever it says may be sent is sent, and every answer is one that it announces."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from exchange.queue import Limits
from tests.api.conftest import House

EXAMPLES = 12
"""Requests to each route, the same in every run."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ROUTES = (
    ("POST", "/v1/images/generations"),
    ("POST", "/v1/images/edits"),
    ("POST", "/v1/images/variations"),
    ("GET", "/v1/files/{job_id}/{index}.png"),
    ("GET", "/v1/jobs/{job_id}"),
    ("POST", "/v1/jobs/{job_id}/cancel"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{name}"),
)


def sent(house: House, method: str, path: str) -> None:
    """Send what the document allows on one route, and hold the answers against it."""
    schema = schemathesis.openapi.from_url(f"{house.url}/openapi.json")
    operation = schema[path][method]

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Any) -> None:
        case.call_and_validate(
            base_url=house.url, headers={"Authorization": f"Bearer {house.secret}"}, checks=CHECKS, timeout=60
        )

    send()


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_every_answer_is_announced(house: House, method: str, path: str) -> None:
    """Status, shape and type of each; none says that something broke."""
    house.services.queue.limits = Limits(0, 0, 0, 0)
    await asyncio.to_thread(sent, house, method, path)


async def test_every_route_is_tried(house: House) -> None:
    """A new one has to be added above."""
    schema = await asyncio.to_thread(schemathesis.openapi.from_url, f"{house.url}/openapi.json")
    paths = schema.raw_schema["paths"]
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} == set(ROUTES)
