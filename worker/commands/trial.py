"""A job of the operator's own, for commands that try a model out: it stands in no queue and is posted nowhere."""

from __future__ import annotations

import time

from contract.catalogue import Catalogue, Model
from contract.ids import draw_seed, job_id
from contract.jobs import DiscordChannel, Job, User
from contract.kinds.imagine import Imagine
from contract.prompt import Context, parse


def operators_job(text: str, model: Model, catalogue: Catalogue) -> Job:
    """What `/imagine` would make of `text` with this model. UserError for a prompt that it cannot draw."""
    context = Context(version=catalogue.version_of(model.name), versions=catalogue.versions)
    prompt = parse(text, context).prompts[0]
    seed = draw_seed(time.time_ns()) if prompt.parameters.seed is None else prompt.parameters.seed
    id = job_id(seed, model.fingerprint, 0)
    return Job(id, Imagine(), prompt, model.name, User(0, "operator"), DiscordChannel(0), created_ms=0)
