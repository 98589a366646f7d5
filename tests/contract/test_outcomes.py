"""Outcomes are values that travel as JSON and are checked on arrival."""

from __future__ import annotations

import json

import pytest

from contract.errors import MalformedDocument, NewerVersion, UserError
from contract.outcomes import (
    Cancelled,
    Done,
    Failed,
    Fault,
    JobState,
    Outcome,
    Refused,
    Stored,
    Texts,
    decode_outcome,
    encode_outcome,
)


@pytest.mark.parametrize(
    "outcome",
    [
        Stored(),
        Done(gpu_s=1.5),
        Texts(("a fox", "a red fox"), gpu_s=0.2),
        Refused("link_refused", {"link": "https://example.org/a.png", "limit": 4, "share": 0.5}),
        Failed(Fault.TIMEOUT),
        Cancelled(),
    ],
    ids=lambda outcome: outcome.state,
)
def test_an_outcome_survives_the_wire(outcome: Outcome) -> None:
    """As text, and as the object that an older version wrote."""
    assert decode_outcome(encode_outcome(outcome)) == outcome
    assert decode_outcome(json.loads(encode_outcome(outcome))) == outcome


@pytest.mark.parametrize(
    ("document", "outcome"),
    [
        ({}, Stored()),
        ({"state": "done"}, Done()),
        ({"state": "refused", "kind": "link_refused", "values": {"link": "x"}}, Refused("link_refused", {"link": "x"})),
        ({"state": "failed", "reason": "worker_lost"}, Failed(Fault.WORKER_LOST)),
    ],
)
def test_what_version_0_1_left_in_the_queue_is_understood(document: object, outcome: Outcome) -> None:
    """Posts that wait while an operator upgrades are delivered."""
    assert decode_outcome(document) == outcome


def test_a_refusal_gives_its_error_back() -> None:
    """Kind and values are all there is to an error."""
    error = UserError("too_large", limit_mib=8.0)
    found = Refused.by(error).error
    assert (found.kind, found.values) == (error.kind, error.values)


def test_an_unknown_outcome_is_a_newer_versions() -> None:
    """It is handed back, so that a process that knows it can deliver it."""
    with pytest.raises(NewerVersion, match="hologram"):
        decode_outcome({"state": "hologram"})


@pytest.mark.parametrize("document", ["", "[]", "3", [], None, {"gpu_s": 1}, {"state": "failed", "reason": "whim"}])
def test_what_is_no_outcome_is_malformed(document: object) -> None:
    """For anything that arrives, the answer is one kind of error."""
    with pytest.raises(MalformedDocument):
        decode_outcome(document)


def test_three_states_end_a_job() -> None:
    """Nothing follows after them."""
    assert {state for state in JobState if state.ended} == {JobState.DELIVERED, JobState.FAILED, JobState.CANCELLED}
