"""What is Easel's own beside the Images API: jobs, links to pictures, and the models on offer."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.door import TheAsker, TheDoor, job_id_of
from api.errors import ApiError, api_error
from api.links import link_is_good
from api.making import file_of, linked
from api.shapes import JobView, Model, Models
from contract.outcomes import JobState
from exchange.places import MAX_INDEX
from service import cancelling
from service.budget import promptly
from service.pictures import recorded_job

ROUTES = APIRouter(prefix="/v1")

Index = Annotated[int, Path(ge=0, lt=MAX_INDEX)]
Until = Annotated[int, Query(ge=0, le=1 << 40)]
Id = Annotated[str, Path(max_length=100)]


@ROUTES.get(
    "/files/{job_id}/{index}.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
    tags=["jobs"],
)
async def picture(
    job_id: Id, index: Index, until: Until, signature: Annotated[str, Query(max_length=100)], door: TheDoor
) -> Response:
    """A picture by a link that the API gave out; it needs no key."""
    id = job_id_of(job_id)
    if not link_is_good(door.secret, id, index, until, signature, time.time()):
        raise ApiError(403, "This link has run out, or was not made here.", "bad_link")
    return Response(await file_of(door, id, index), media_type="image/png")


@ROUTES.get("/jobs/{job_id}", response_model=JobView, response_model_exclude_none=True, tags=["jobs"])
async def show(job_id: Id, door: TheDoor, asker: TheAsker) -> Any:
    """One of the caller's own jobs: where it stands, and its pictures once they are made."""
    id = job_id_of(job_id)
    async with promptly():
        job = await door.services.queue.accepted(id)
        state, error = await door.services.queue.state(id), await door.services.queue.error(id)
    job = job or await recorded_job(door.services, id)
    if job is None or job.user.id != asker.user.id:
        raise ApiError(404, "There is no such job of yours.", "no_such_job")
    made = error is None and state not in (JobState.FAILED, JobState.CANCELLED) and await door.waiting.is_made(job)
    return JobView(
        id=id,
        state=state or JobState.DELIVERED,
        prompt=job.prompt.echo,
        error=None if error is None else api_error(error, asker.locale).body.error.model_dump(exclude_none=True),
        images=[linked(door, job, index) for index in range(job.image_count)] if made else [],
    )


@ROUTES.post("/jobs/{job_id}/cancel", response_model=JobView, response_model_exclude_none=True, tags=["jobs"])
async def cancel(job_id: Id, door: TheDoor, asker: TheAsker) -> Any:
    """End one of the caller's own jobs, whether it waits or runs."""
    job = await cancelling.cancel(door.services, asker, job_id_of(job_id))
    return JobView(id=job.id, state=JobState.CANCELLED, prompt=job.prompt.echo, images=[])


@ROUTES.get("/models", tags=["models"])
async def models(door: TheDoor, asker: TheAsker) -> Models:
    """What is on offer, the first being the default."""
    return Models(data=[Model(id=model.name) for model in door.services.catalogue])


@ROUTES.get("/models/{name}", tags=["models"])
async def model(name: Annotated[str, Path(max_length=200)], door: TheDoor, asker: TheAsker) -> Model:
    """One model."""
    return Model(id=door.services.catalogue.asked_for(name).name)
