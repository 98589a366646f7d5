"""Jobs travel as JSON and are checked on arrival."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from contract.catalogue import EASEL_SMALL
from contract.codec import JOB_VERSION, decode_job, encode_job, schemas
from contract.errors import MalformedDocument, NewerVersion
from contract.jobs import Generation, Job, Strength
from contract.kinds.upscale import Upscale
from contract.planning import plan
from tests.contract.factories import imagine, planned, press, upscale, variation

GRID = imagine("a red:: fox::2 --ar 3:2 --no trees, snow --chaos 10")


@pytest.mark.parametrize(
    "job", [GRID, variation(GRID, 1, Strength.SUBTLE, press()), upscale(GRID, 3, press())], ids=["imagine", "v", "u"]
)
def test_a_job_survives_the_wire(job: Job) -> None:
    """Decoding gives an equal value, for every kind of request."""
    assert decode_job(encode_job(job)) == job


def test_a_newer_document_is_handed_back() -> None:
    """A worker that is older than the bot must not fail the job."""
    document = json.loads(encode_job(GRID)) | {"version": JOB_VERSION + 1}
    with pytest.raises(NewerVersion):
        decode_job(json.dumps(document))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 1, "job": {}}', "[" * 100_000])
def test_what_is_no_job_is_malformed(text: str) -> None:
    """For anything that arrives, the answer is one kind of error."""
    with pytest.raises(MalformedDocument):
        decode_job(text)


def test_the_plan_travels_inside_the_job() -> None:
    """What was priced is what a worker draws."""
    job = replace(GRID, plan=plan(GRID, EASEL_SMALL))
    assert decode_job(encode_job(job)).plan == job.plan


def test_a_job_of_version_1_is_read() -> None:
    """Queues and image stores hold them: the same job, without a plan."""
    document = {
        "version": 1,
        "job": {
            "id": "0000002a-e25e-81de-b0a9-91859bf7ba93",
            "request": {"index": 2, "source": [{"seed": 42, "index": 2, "strength": None}], "kind": "upscale"},
            "prompt": {
                "echo": "a fox --v 6.1",
                "parts": [{"text": "a fox", "weight": 1.0}],
                "negatives": [],
                "images": [],
                "parameters": {"aspect": None, "tile": False},
                "version": "6.1",
            },
            "model": "easel-small",
            "user": {"id": 811, "name": "alice"},
            "destination": {"channel_id": 31, "guild_id": 30, "reply_to": 99, "kind": "discord"},
            "created_ms": 1790000000000,
            "speed": "fast",
            "stealth": False,
            "locale": "en-US",
            "parent": {"id": "0000002a-e25e-81de-b0a9-91859bf7ba93", "index": 2},
        },
    }
    job = decode_job(json.dumps(document))
    assert (job.request, job.plan) == (Upscale(2, (Generation(42, 2),)), None)
    assert job.generations(0) == (Generation(42, 2),)


def test_an_unknown_kind_is_a_newer_versions() -> None:
    """Not a mistake: a bot may know kinds that this worker does not know yet. The same holds for destinations."""
    for place in ("request", "destination"):
        document = json.loads(encode_job(GRID))
        document["job"][place] = {"kind": "hologram", "depth": 3}
        with pytest.raises(NewerVersion, match="kind"):
            decode_job(json.dumps(document))


@pytest.mark.parametrize("place", ["", "request", "prompt", "prompt.parameters", "user", "destination"])
def test_an_unknown_field_is_refused(place: str) -> None:
    """A field that is dropped in silence would draw the wrong picture."""
    document = json.loads(encode_job(GRID))
    inner = document["job"]
    for name in filter(None, place.split(".")):
        inner = inner[name]
    inner["intensity"] = 11
    with pytest.raises(MalformedDocument, match="intensity"):
        decode_job(json.dumps(document))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("id", "0000002a-e25e-41de-b0a9-91859bf7ba93"),
        ("id", "../../etc/passwd"),
        ("parent", {"id": "..", "index": 0}),
        ("request", {"kind": "upscale", "index": 4, "source": []}),
        ("request", {"kind": "upscale", "index": 0, "source": [{"seed": 2**32, "index": 0, "strength": None}]}),
        ("request", {"kind": "upscale", "index": 0, "source": [{"seed": 1, "index": -1, "strength": None}]}),
        ("prompt.echo", "two\nlines"),
        ("prompt.echo", "a fox** - <@1> (fast)"),
        ("prompt.echo", "x" * 2000),
        ("prompt.parts", [{"text": "a fox", "weight": float("nan")}]),
        ("prompt.parameters.aspect", [0, 0]),
        ("prompt.parameters.aspect", [2, 0]),
        ("user.name", "x" * 101),
        ("user.id", -1),
        ("model", "x" * 101),
        ("destination.channel_id", 2**64),
        ("plan.stop_at", 1.5),
        ("plan.width", 0),
        ("plan.cost", float("inf")),
    ],
)
def test_values_out_of_range_are_refused(place: str, value: object) -> None:
    """A store or a queue that somebody else writes to cannot bring in what the language would never have made."""
    document = json.loads(encode_job(planned(GRID)))
    inner, *names = document["job"], *place.split(".")
    for name in names[:-1]:
        inner = inner[name]
    inner[names[-1]] = value
    with pytest.raises(MalformedDocument):
        decode_job(json.dumps(document))


DIGESTS = {
    "job": "d8533129ec3950df",
    "ancestor": "b7ab83b13565e227",
    "imagine": "88978ccf6653e90d",
    "variation": "ce346d4d3af1c459",
    "upscale": "0851ed7c360eac84",
    "enlarge": "1741a1e35bfce191",
    "region": "18e428e37af547bd",
    "inpaint": "1db30e4f83bd81eb",
    "zoom": "585c31bbd5bedfc1",
    "square": "8361d0adfb2a074e",
    "pan": "ca4b9153c53b8dd6",
    "animate": "b711e86c7d2d8a85",
    "video": "4d6608b1eda0dfe4",
    "sheet": "6f892ee043066094",
    "styles": "a3edfb2c7af84c84",
    "pick": "c7ed78f4f9867ca2",
    "describe": "663c558d25ee8f72",
    "shorten": "38344e7c8ee5d4f1",
    "tree": "15e5176a300f7834",
    "attached": "11f1869bacdd6729",
}
"""Of the schemas of version 4."""


def test_schema_and_version_belong_together() -> None:
    """A change of what a document holds raises `JOB_VERSION`, teaches `decode_job` the version before, and writes the
    new digests here: an older worker must not read a document that it understands differently. A new kind only adds
    its line."""
    digests = {
        name: hashlib.sha256(json.dumps(_unexplained(schema), sort_keys=True).encode()).hexdigest()[:16]
        for name, schema in schemas().items()
    }
    assert (JOB_VERSION, digests) == (4, DIGESTS)


def _unexplained(schema: Any) -> Any:
    """A schema without its explanations: a docstring may say the same better."""
    match schema:
        case dict():
            return {
                name: _unexplained(part)
                for name, part in schema.items()
                if not (name == "description" and isinstance(part, str))
            }
        case list():
            return [_unexplained(part) for part in schema]
        case _:
            return schema


def test_the_error_names_the_fields() -> None:
    """An operator sees where a document is wrong, not what the user wrote."""
    document = json.loads(encode_job(GRID))
    document["job"]["speed"] = "warp"
    with pytest.raises(MalformedDocument, match="speed"):
        decode_job(json.dumps(document))
