"""Jobs travel as JSON and are checked on arrival."""

from __future__ import annotations

import hashlib
import json

import pytest

from contract.codec import JOB_VERSION, decode_job, encode_job, job_schema
from contract.errors import MalformedDocument, NewerVersion
from contract.jobs import Job, Strength
from tests.contract.factories import imagine, press, upscale, variation

GRID = imagine("a red:: fox::2 --ar 3:2 --no trees, snow --chaos 10")


@pytest.mark.parametrize(
    "job", [GRID, variation(GRID, 1, Strength.SUBTLE, press()), upscale(GRID, 3, press())], ids=["imagine", "v", "u"]
)
def test_a_job_survives_the_wire(job: Job) -> None:
    """Decoding gives an equal value, whatever the request."""
    assert decode_job(encode_job(job)) == job


def test_a_newer_document_is_handed_back() -> None:
    """A worker that is older than the bot must not fail the job."""
    document = json.loads(encode_job(GRID)) | {"version": 2}
    with pytest.raises(NewerVersion):
        decode_job(json.dumps(document))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 1, "job": {}}', "[" * 100_000])
def test_what_is_no_job_is_malformed(text: str) -> None:
    """Whatever arrives, the answer is one kind of error."""
    with pytest.raises(MalformedDocument):
        decode_job(text)


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


def test_schema_and_version_belong_together() -> None:
    """Whoever changes what a job document holds raises `JOB_VERSION`, teaches `decode_job` the version before, and
    writes the new pair here: an older worker must not read a document that it understands differently."""
    schema = json.dumps(job_schema(), sort_keys=True)
    assert (JOB_VERSION, hashlib.sha256(schema.encode()).hexdigest()[:16]) == (1, "02a116efce304cf6")


def test_the_error_names_the_fields() -> None:
    """An operator sees where a document is wrong, not what the user wrote."""
    document = json.loads(encode_job(GRID))
    document["job"]["speed"] = "warp"
    with pytest.raises(MalformedDocument, match="speed"):
        decode_job(json.dumps(document))
