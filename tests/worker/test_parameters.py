"""A picture's own words are in the layout that other tools of the field read."""

from __future__ import annotations

import re

from contract.lineage import caption
from tests.contract.factories import imagine, planned
from worker.parameters import parameters_text

PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
"""How AUTOMATIC1111's web UI takes the last line of a text apart, once it holds three pairs or more."""


def test_the_last_line_is_pairs_that_other_tools_read() -> None:
    """Steps, sampler, scale, seed and size by the names they know; commas of the lineage are quoted."""
    job = planned(imagine("a red fox --no trees, snow --ar 3:2", seed=42))
    prompt, negative, last = parameters_text(job, 2, enlargement=4).split("\n")
    assert prompt == job.prompt.echo
    assert negative == "Negative prompt: trees, snow"
    pairs = dict(PAIR.findall(last))
    assert job.plan is not None
    assert pairs["Steps"] == str(job.plan.num_inference_steps)
    assert pairs["Sampler"] == job.plan.sampler
    assert pairs["Seed"] == "42"
    assert pairs["Size"] == f"{job.plan.width}x{job.plan.height}"
    assert pairs["Easel picture"] == "3"
    assert pairs["Easel lineage"] == f'"[{caption(job).rpartition("[")[2]}"'


def test_a_job_without_a_plan_says_what_its_caption_says() -> None:
    """Its numbers are not known any more."""
    assert parameters_text(imagine()) == caption(imagine())
