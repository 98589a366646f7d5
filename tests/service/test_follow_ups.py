"""What a message alone is enough for, when Redis and the image store are gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.actions import Action, ButtonId
from contract.catalogue import EASEL_SMALL, Catalogue
from contract.derive import next_job
from contract.errors import UserError
from contract.families import VIDEO
from contract.ids import model_fingerprint_of
from contract.jobs import Chosen, Job
from contract.kinds.animate import Animate
from contract.kinds.attached import Attached
from contract.kinds.moving import Motion
from contract.kinds.video import Video
from contract.lineage import caption
from contract.messages import result
from contract.planning import plan
from contract.prompt import parse
from service.follow_ups import Attachment, Posted, follow_up, job_behind, model_remarks, remixed
from service.profiles import Profile
from service.services import Services
from tests.contract.factories import follow, imagine, press, upscale
from tests.contract.kinds.examples import MOVING
from tests.service.askers import asker

FILE = Attachment("https://cdn.example/grid.jpg", 1536, 1024)
SINGLE = upscale(imagine("a fox --ar 3:2"), 1, press())
PAINTED = follow(SINGLE, Action.VARY_REGION, replace(press(seed=3), region=Chosen(0, "https://cdn.example/mask.png")))
UPLOADED = replace(imagine(), prompt=parse("https://cdn.example/mine.png a fox --ar 3:2").prompts[0])
STYLED = replace(imagine(), prompt=parse("a fox --ar 3:2 --sref https://cdn.example/style.png 7 --v 7").prompts[0])
GRIDS = [
    pytest.param(PAINTED, id="a painted region"),
    pytest.param(UPLOADED, id="an uploaded picture"),
    pytest.param(STYLED, id="a picture's style"),
]


def posted(job: Job, *, description: str | None = None) -> Posted:
    """The message of a job."""
    return Posted(5, result(job), caption(job) if description is None else description, attachment=FILE)


async def behind(services: Services, job: Job, action: Action, message: Posted | None = None) -> Job:
    """What is found behind a button about the second picture."""
    button = ButtonId(action, 1 if action.about_one_picture else None, job.id)
    return await job_behind(services, asker(), job.id, message or posted(job), button)


@pytest.mark.parametrize("job", GRIDS)
async def test_u_takes_its_picture_from_the_attachment(services: Services, job: Job) -> None:
    """Then zooms, pans and regions go on from that; nothing is read from dead links, and a remark says so."""
    found = await behind(services, job, Action.UPSCALE)
    assert found.request == Attached(FILE.link, FILE.width, FILE.height, 4)
    made = next_job(found, ButtonId(Action.UPSCALE, 1, found.id), press())
    assert made.links == ()
    [ancestor] = made.ancestors
    assert (ancestor.request, ancestor.index) == (found.request, 1)
    assert made.source_extent == SINGLE.extent
    zoomed = follow(made, Action.ZOOM_2, press(interaction=9))
    assert zoomed.ancestors == (ancestor,)
    assert plan(zoomed, EASEL_SMALL).cost > 0
    [remark] = await model_remarks(services, made, found)
    assert "as the message shows it" in remark


async def test_a_mark_too_long_for_its_caption_is_no_end_either(services: Services) -> None:
    """The mark of a lineage that did not fit, and a message without any."""
    for description in ("Four pictures. [easel 1; k=full]", ""):
        found = await behind(services, SINGLE, Action.PAN_LEFT, posted(SINGLE, description=description))
        assert found.request == Attached(FILE.link, FILE.width, FILE.height, 1)


@pytest.mark.parametrize("action", [Action.VARIATION, Action.REROLL])
async def test_what_needs_more_than_pixels_is_refused_in_a_sentence(services: Services, action: Action) -> None:
    """Variations need the noise, a re-roll the mask."""
    with pytest.raises(UserError, match="lineage_missing"):
        await behind(services, PAINTED, action)


async def test_words_and_numbers_come_before_the_attachment(services: Services) -> None:
    """A picture that can be drawn again from its message is: an attachment may be smaller, and a JPEG."""
    found = await behind(services, SINGLE, Action.ZOOM_2)
    assert found.request == SINGLE.request


@pytest.mark.parametrize("action", [Action.VARIATION, Action.REROLL])
async def test_an_attached_grid_has_no_noise(services: Services, action: Action) -> None:
    """Neither near it nor again can anything be drawn."""
    found = await behind(services, PAINTED, Action.UPSCALE)
    button = ButtonId(action, 1 if action.about_one_picture else None, found.id)
    with pytest.raises(UserError, match="only_attached"):
        next_job(found, button, press())


MEDIUM = Catalogue((EASEL_SMALL, MOVING))


def test_animate_is_a_video_where_a_model_draws_them(services: Services) -> None:
    """The first that can; with other words too, and without one it is the walk of its own model."""
    low = ButtonId(Action.ANIMATE_LOW, 0, SINGLE.id)
    filming = replace(services, catalogue=MEDIUM)
    made = follow_up(filming, asker(), low, SINGLE, Profile())
    assert made.request == Video(Motion.LOW, MOVING.frames, VIDEO[MOVING.family])
    assert (made.model, model_fingerprint_of(made.id)) == (MOVING.name, MOVING.fingerprint)
    assert follow_up(services, asker(), low, SINGLE, Profile()).request == Animate(Motion.LOW)
    [remade] = remixed(filming, asker(), low, SINGLE, Profile(), posted(SINGLE), "a fox that runs").jobs
    assert (remade.request, remade.prompt.text) == (made.request, "a fox that runs")
    again = follow_up(filming, asker(), ButtonId(Action.REROLL, None, made.id), made, Profile())
    assert (again.request, again.model) == (made.request, MOVING.name)
    zoomed = follow_up(filming, asker(), ButtonId(Action.ZOOM_2, 0, SINGLE.id), SINGLE, Profile())
    assert zoomed.model == EASEL_SMALL.name


@pytest.mark.parametrize("kind", ["animate", "video"])
def test_the_form_of_animate_takes_midjourneys_flag_for_motion(services: Services, kind: str) -> None:
    """Whichever button opened it; the words of what is made are without it. What no model here honours is refused."""
    low = ButtonId(Action.ANIMATE_LOW, 0, SINGLE.id)
    offer = MEDIUM if kind == "video" else services.catalogue
    of = replace(services, catalogue=offer)
    [made] = remixed(of, asker(), low, SINGLE, Profile(), posted(SINGLE), "a fox runs --motion high").jobs
    assert isinstance(made.request, Animate | Video)
    assert (made.request.kind, made.request.motion) == (kind, Motion.HIGH)
    assert (made.prompt.text, "motion" in made.prompt.echo) == ("a fox runs", False)
    assert plan(made, offer.named(made.model)).cost > 0
    [loop] = remixed(of, asker(), low, SINGLE, Profile(), posted(SINGLE), "a fox runs --loop").jobs
    with pytest.raises(UserError, match="parameter_not_supported"):
        plan(loop, offer.named(loop.model))


async def test_a_video_needs_no_remark_that_another_model_draws_it(services: Services) -> None:
    """It goes on from the very picture."""
    filming = replace(services, catalogue=MEDIUM)
    made = follow_up(filming, asker(), ButtonId(Action.ANIMATE_LOW, 0, SINGLE.id), SINGLE, Profile())
    assert await model_remarks(filming, made, SINGLE) == ()
