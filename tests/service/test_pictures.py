"""What is kept of jobs, and how a service lives with a store that is slow or away."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from contract.errors import UserError
from exchange.images import FolderStore, StoreUnavailable
from service.budget import budget
from service.pictures import forget, has_picture, recorded_job, stored_pictures
from service.services import Services
from tests.contract.factories import imagine
from tests.service.askers import asker


class Away:
    """A store that cannot be reached."""

    def __getattr__(self, name: str) -> Any:
        def refuse(*args: object) -> None:
            raise StoreUnavailable("it is away")

        return refuse


class Slow(FolderStore):
    """A store that takes longer than anybody has."""

    def get_record(self, job_id: Any) -> Any:
        """As a bucket on the other side of the world would."""
        time.sleep(0.5)
        return super().get_record(job_id)


async def test_a_store_that_is_away_is_no_reason_to_fail(services: Services) -> None:
    """A record can be rebuilt from its message, and a picture drawn again."""
    away = replace(services, images=Away())
    job = imagine()
    assert await recorded_job(away, job.id) is None
    assert await has_picture(away, job) is False


async def test_a_slow_store_leaves_time_for_the_other_way(services: Services, tmp_path: Any) -> None:
    """It may take half of what is left of the budget."""
    with budget(0.4):
        assert await recorded_job(replace(services, images=Slow(tmp_path)), imagine().id) is None


@pytest.mark.parametrize("ask", [stored_pictures, "forget"])
async def test_what_needs_the_store_says_that_it_is_away(services: Services, ask: Any) -> None:
    """Pictures cannot be sent, or deleted, without it."""
    away = replace(services, images=Away())
    job = imagine()
    with pytest.raises(UserError) as refused:
        await (forget(away, asker(), job.id, job.user.id) if ask == "forget" else ask(away, job))
    assert refused.value.kind == "store_unreachable"
