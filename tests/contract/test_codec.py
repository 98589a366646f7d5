"""Jobs travel as JSON and are checked on arrival."""

from __future__ import annotations

import json

import pytest

from contract.codec import decode_job, encode_job
from contract.derive import upscale, variation
from contract.errors import MalformedDocument, NewerVersion
from contract.jobs import Job, Strength
from tests.contract.factories import imagine, press

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


def test_the_error_names_the_fields() -> None:
    """An operator sees where a document is wrong, not what the user wrote."""
    document = json.loads(encode_job(GRID))
    document["job"]["speed"] = "warp"
    with pytest.raises(MalformedDocument, match="speed"):
        decode_job(json.dumps(document))
