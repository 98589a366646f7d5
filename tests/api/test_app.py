"""The API through OpenAI's own client, unchanged, and through plain HTTP where that client cannot go."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import io
import json
import time
from typing import Any

import aiohttp
import openai
import pytest
import redis
from PIL import Image

from api.making import GONE_EVERY_S
from contract.ids import JobId
from contract.kinds.inpaint import Inpaint
from contract.moderation import Weighed, Weight, read_blocked
from contract.uploads import upload_link
from exchange import api_keys, keys, preferences
from exchange.accounts import month_of
from exchange.images import FolderStore, StoreUnavailable
from exchange.queue import CancelOutcome, Limits
from exchange.quotas import Quota
from service.policy import OPERATOR, block_word, set_policy
from tests.api.conftest import SECRET, House
from worker.delivery.program import webhook_secret
from worker.encoding import read_pixels


def picture(data: str | None) -> Image.Image:
    assert data is not None
    return Image.open(io.BytesIO(base64.b64decode(data)))


async def get(house: House, path: str, *, key: str | None = None, **headers: str) -> tuple[int, object]:
    """A plain request; the body as JSON, or as bytes when it is none."""
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    async with aiohttp.ClientSession() as session, session.get(f"{house.url}{path}", headers=headers) as answer:
        body = await answer.read()
        return answer.status, json.loads(body) if answer.content_type == "application/json" else body


async def test_one_picture(house: House) -> None:
    """The first of a grid, in base64, with the prompt as it was understood."""
    answer = await house.openai.images.generate(prompt="a fox", model="easel-small")
    assert answer.data is not None
    [image] = answer.data
    assert picture(image.b64_json).format == "PNG"
    assert (image.revised_prompt or "").startswith("a fox --v")
    assert house.engine.drawn == 1


async def test_as_many_as_were_asked_for(house: House) -> None:
    """Six are two grids; a size is an aspect ratio, and what the prompt says wins."""
    answer = await house.openai.images.generate(prompt="a fox --seed 7", n=6, size="1536x1024")
    assert len(answer.data or []) == 6
    assert house.engine.drawn == 2
    jobs = answer.model_dump()["jobs"]
    assert len(jobs) == 2
    status, job = await get(house, f"/v1/jobs/{jobs[0]}", key=house.secret)
    assert status == 200
    assert isinstance(job, dict)
    assert "--ar 3:2" in job["prompt"]
    assert len(job["images"]) == 4


async def test_a_link_is_good_for_its_picture_alone(house: House) -> None:
    """It needs no key, and its signature covers picture and time."""
    answer = await house.openai.images.generate(prompt="a fox", n=2, response_format="url")
    assert answer.data is not None
    links = [(image.url or "").removeprefix("http://api.test") for image in answer.data]
    status, data = await get(house, links[0])
    assert status == 200
    assert isinstance(data, bytes)
    assert Image.open(io.BytesIO(data)).format == "PNG"
    path, _, query = links[0].partition("?")
    for bad in (f"{path.replace('/0.png', '/1.png')}?{query}", f"{path}?{query.replace('until=', 'until=9')}"):
        status, body = await get(house, bad)
        assert status == 403, body


async def test_a_stream_shows_the_picture_on_its_way(house: House) -> None:
    """Previews as many as were asked for, then the picture."""
    kinds = []
    async for event in await house.openai.images.generate(prompt="a fox", stream=True, partial_images=1):
        kinds.append(event.type)
        assert picture(event.b64_json)
    assert kinds[-1] == "image_generation.completed"
    assert kinds[:-1] in ([], ["image_generation.partial_image"])  # a quick job may be over before its preview


async def test_models(house: House) -> None:
    """Those of the catalogue; an unknown one is named."""
    assert [model.id async for model in house.openai.models.list()] == ["easel-small"]
    assert (await house.openai.models.retrieve("easel-small")).id == "easel-small"
    with pytest.raises(openai.NotFoundError) as error:
        await house.openai.images.generate(prompt="a fox", model="gpt-image-1")
    assert "gpt-image-1" in str(error.value)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": "a fox", "n": 9}, "n"),
        ({"prompt": "a fox", "n": 0}, "n"),
        ({"prompt": "a fox", "size": "big"}, "size"),
        ({"prompt": "a fox --chaoss 3"}, "chaos"),
        ({"prompt": "a nude fox"}, "nude"),
        ({"prompt": "a fox", "output_format": "jpeg"}, "output_format"),
    ],
)
async def test_what_cannot_be_done_is_one_sentence(house: House, fields: dict[str, object], words: str) -> None:
    """Status 400, a type and a code, and nothing is drawn."""
    with pytest.raises(openai.BadRequestError) as error:
        await house.openai.images.generate(**fields)  # type: ignore[call-overload]
    assert words in str(error.value)
    assert error.value.type == "invalid_request_error"
    assert error.value.code
    assert house.engine.drawn == 0


async def test_no_key_no_picture(house: House) -> None:
    """None, a wrong one, a revoked one: 401 each."""
    for headers in ({}, {"Authorization": "Basic x"}, {"Authorization": "Bearer easel-00000000-" + "0" * 40}):
        status, body = await get(house, "/v1/models", **headers)
        assert status == 401, body
    assert api_keys.revoke(house.client, house.key.id)
    assert not api_keys.revoke(house.client, house.key.id)
    with pytest.raises(openai.AuthenticationError):
        await house.openai.models.list()
    assert house.secret not in str(house.client.hgetall("easel:api_keys"))


async def test_the_same_request_twice_is_drawn_once(house: House) -> None:
    """When it carries the same `Idempotency-Key`; without, each is its own."""
    same = {"Idempotency-Key": "order-17"}
    first = await house.openai.images.generate(prompt="a fox", extra_headers=same)
    again = await house.openai.images.generate(prompt="a fox", extra_headers=same)
    assert first.model_dump()["jobs"] == again.model_dump()["jobs"]
    assert house.engine.drawn == 1
    with pytest.raises(openai.ConflictError) as error:
        await house.openai.images.generate(prompt="a hen", extra_headers=same)
    assert error.value.code == "idempotency_key_reused"
    settings = preferences.user(house.key.user_id)
    await house.services.preferences.change_all(settings, lambda now: {"version": "6.1", "suffix": "--stylize oops"})
    again = await house.openai.images.generate(prompt="a fox", extra_headers=same)  # what was made is what it gets
    assert first.model_dump()["jobs"] == again.model_dump()["jobs"]
    assert house.engine.drawn == 1
    await house.services.preferences.clear(settings)
    other = await house.openai.images.generate(prompt="a fox")
    assert other.model_dump()["jobs"] != first.model_dump()["jobs"]


async def test_who_hangs_up_wants_no_pictures(house: House) -> None:
    """The job of a broken connection ends, so that others have its turn."""
    with pytest.raises(openai.APITimeoutError):
        await house.openai.images.generate(prompt="for ever", timeout=0.7)
    async with asyncio.timeout(20):
        while await house.services.queue.of_user(house.key.user_id):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_who_leaves_a_stream_wants_no_pictures(house: House) -> None:
    """The same, although the answer has begun: what is left to do goes on when the request is over."""
    stream = await house.openai.images.generate(prompt="for ever", stream=True)
    while not await house.services.queue.of_user(house.key.user_id):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await stream.close()
    async with asyncio.timeout(20):
        while await house.services.queue.of_user(house.key.user_id):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_who_can_ask_again_finds_the_picture(house: House) -> None:
    """A request with an `Idempotency-Key` that broke off is not taken back: the next one like it has its picture."""
    same = {"Idempotency-Key": "order-18"}
    house.client.set(keys.suspended(), 1)
    with pytest.raises(openai.APITimeoutError):
        await house.openai.images.generate(prompt="a fox", timeout=0.7, extra_headers=same)
    await asyncio.sleep(2 * GONE_EVERY_S)  # by now it has seen that nobody listens
    house.client.delete(keys.suspended())
    answer = await house.openai.images.generate(prompt="a fox", extra_headers=same)
    assert picture((answer.data or [])[0].b64_json).format == "PNG"
    assert house.engine.drawn == 1


async def test_what_was_refused_for_now_may_be_asked_for_again(house: House) -> None:
    """Of two grids the second found no room, so none was kept; the same request finds both drawn later."""
    same = {"Idempotency-Key": "order-19"}
    house.services.queue.limits = Limits(max_queued_per_user=1)
    house.client.set(keys.suspended(), 1)
    with pytest.raises(openai.RateLimitError):
        await house.openai.images.generate(prompt="a fox", n=8, extra_headers=same)
    await house.services.background.finish()
    house.client.delete(keys.suspended())
    house.services.queue.limits = Limits(max_queued_per_user=3)
    answer = await house.openai.images.generate(prompt="a fox", n=8, extra_headers=same)
    assert len(answer.data or []) == 8
    assert house.engine.drawn == 2


async def test_a_request_outlives_a_redis_that_does_not_answer_well(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it waits, Redis says no to whatever it is asked: that passes."""
    state, refusals = house.services.queue.state, ["READONLY", "LOADING", "OOM"]

    async def unwilling(job_id: JobId) -> object:
        if refusals:
            raise redis.exceptions.ResponseError(refusals.pop())
        return await state(job_id)

    monkeypatch.setattr(house.services.queue, "state", unwilling)
    answer = await house.openai.images.generate(prompt="a fox")
    assert len(answer.data or []) == 1
    assert not refusals


async def test_a_store_that_takes_nothing_delivers_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program gets what the store has: until that is there, nothing is said to be made."""
    put, refusals = FolderStore.put_image, [StoreUnavailable("the disk is full")] * 2

    def full(store: FolderStore, *arguments: Any) -> None:
        if refusals:
            raise refusals.pop()
        put(store, *arguments)

    monkeypatch.setattr(FolderStore, "put_image", full)
    monkeypatch.setattr("worker.tasks.STORE_DELAY_S", 0.2)
    answer = await house.openai.images.generate(prompt="a fox", response_format="url")
    status, data = await get(house, ((answer.data or [])[0].url or "").removeprefix("http://api.test"))
    assert (status, type(data)) == (200, bytes)
    async with asyncio.timeout(20):
        while not house.webhooks:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert [json.loads(body)["state"] for _, body, _ in house.webhooks] == ["delivered"]
    assert house.engine.drawn == 3


async def test_who_waits_while_redis_comes_back_empty_gets_the_picture(house: House) -> None:
    """The job that the request waits for is put back, instead of answering with a link to nothing."""
    house.client.set(keys.suspended(), 1)
    asked = asyncio.create_task(house.openai.images.generate(prompt="a red fox", response_format="url"))
    while house.client.llen(keys.rq_list(keys.RENDER)) == 0:  # noqa: ASYNC110 - Redis tells nobody
        await asyncio.sleep(0.01)
    house.client.flushall()
    answer = await asked
    assert house.engine.drawn == 1
    assert answer.data is not None
    status, data = await get(house, (answer.data[0].url or "").removeprefix("http://api.test"))
    assert status == 200
    assert isinstance(data, bytes)


async def test_too_many_at_once_are_told_to_wait(house: House) -> None:
    """The caps of a person hold for a key: 429, which their client knows to try again. Nothing of it is drawn, not
    even the grid for which there was room."""
    running = [asyncio.create_task(house.openai.images.generate(prompt="for ever")) for _ in range(2)]
    async with asyncio.timeout(20):
        while house.engine.drawn < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    house.services.queue.limits = Limits(max_queued_per_user=1)
    with pytest.raises(openai.RateLimitError) as error:
        await house.openai.images.generate(prompt="a fox", n=8)
    assert error.value.code == "queue_full"
    async with asyncio.timeout(20):
        while len(await house.services.queue.of_user(house.key.user_id)) > len(running):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    for request in running:
        request.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def test_a_webhook_hears_of_the_end_once(house: House) -> None:
    """Signed by the Standard Webhooks specification, with the key's own secret."""
    answer = await house.openai.images.generate(prompt="a fox")
    [job_id] = answer.model_dump()["jobs"]
    async with asyncio.timeout(20):
        while not house.webhooks:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    [(url, body, headers)] = house.webhooks
    assert url == "https://shop.example/hook"
    assert json.loads(body) | {"prompt": ""} == {
        "type": "job.delivered",
        "job_id": job_id,
        "state": "delivered",
        "prompt": "",
        "images": 4,
    }
    signed = f"{job_id}.{headers['webhook-timestamp']}.".encode() + body
    expected = hmac.new(webhook_secret(SECRET, house.key.id), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()


async def test_a_failure_is_told_to_caller_and_webhook(house: House) -> None:
    """500 with the same code that stays with the job."""
    with pytest.raises(openai.InternalServerError) as error:
        await house.openai.images.generate(prompt="broken")
    assert error.value.code == "job_failed"


async def test_a_job_is_shown_to_its_owner_and_can_be_cancelled(house: House) -> None:
    """To nobody else it exists."""
    drawing = asyncio.create_task(house.openai.images.generate(prompt="for ever"))
    async with asyncio.timeout(20):
        while not (jobs := await house.services.queue.of_user(house.key.user_id)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    _, stranger = api_keys.create(house.client, "another")
    assert (await get(house, f"/v1/jobs/{jobs[0]}", key=stranger))[0] == 404
    assert (await get(house, "/v1/jobs/nonsense", key=house.secret))[0] == 404
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {house.secret}"}) as session,
        session.post(f"{house.url}/v1/jobs/{jobs[0]}/cancel") as answer,
    ):
        assert (answer.status, (await answer.json())["state"]) == (200, "cancelled")
    with pytest.raises(openai.BadRequestError) as error:
        await drawing
    assert error.value.code == "job_cancelled"
    assert await house.services.queue.cancel(jobs[0], by=house.key.user_id) in (
        CancelOutcome.ENDED,
        CancelOutcome.UNKNOWN,
    )


# ── pictures that come with a request ───────────────────────────────────────────────────────────────────────────────


def png(shade: int = 90, size: tuple[int, int] = (48, 32), hole: tuple[int, int, int, int] | None = None) -> bytes:
    """A grey picture, transparent in `hole`."""
    image = Image.new("RGBA", size, (shade, shade, shade, 255))
    if hole is not None:
        image.paste((0, 0, 0, 0), hole)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


async def test_pictures_are_edited(house: House) -> None:
    """One or several, with words; they are kept with the job, and the result has the shape of the first."""
    answer = await house.openai.images.edit(image=[png(), png(10)], prompt="a fox")
    assert answer.data is not None
    assert picture(answer.data[0].b64_json).format == "PNG"
    [id] = answer.model_dump()["jobs"]
    job = house.services.images.get_record(JobId(id))
    assert job is not None
    assert job.prompt.parameters.aspect == (3, 2)
    assert list(job.links) == [upload_link(0), upload_link(1)]
    shades = [read_pixels(house.services.images.get_input(job.id, f"input/{n}") or b"")[0, 0, 0] for n in range(2)]
    assert shades == [90, 10]


async def test_an_edit_whose_pictures_found_no_room_may_be_asked_for_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits nowhere without them; nothing of the failed request takes back what the next one like it makes."""
    put, refusals, ids = FolderStore.put_input, [StoreUnavailable("the disk is full")], list[JobId]()

    def full(store: FolderStore, job_id: JobId, *arguments: Any) -> None:
        ids.append(job_id)
        if refusals:
            raise refusals.pop()
        put(store, job_id, *arguments)

    monkeypatch.setattr(FolderStore, "put_input", full)
    same = {"Idempotency-Key": "order-20"}
    with pytest.raises(openai.InternalServerError):
        await house.openai.images.edit(image=png(), prompt="a fox", extra_headers=same)
    assert await house.services.queue.state(ids[0]) is None
    asked = [house.openai.images.edit(image=png(), prompt="a fox", extra_headers=same) for _ in range(2)]
    first, second = await asyncio.gather(*asked)
    assert first.model_dump()["jobs"] == second.model_dump()["jobs"] == ids[:1]
    assert house.engine.drawn == 1
    with pytest.raises(openai.ConflictError):
        await house.openai.images.edit(image=png(10), prompt="a fox", extra_headers=same)


async def test_only_what_the_mask_leaves_open_is_painted_again(house: House) -> None:
    """A job of its own kind: the mask is transparent where the first picture changes."""
    answer = await house.openai.images.edit(image=png(), mask=png(hole=(0, 0, 24, 32)), prompt="a fox", n=2)
    assert len(answer.data or []) == 2
    [id] = answer.model_dump()["jobs"]
    job = house.services.images.get_record(JobId(id))
    assert job is not None
    assert isinstance(job.request, Inpaint)
    before = read_pixels(house.services.images.get_input(job.id, "input/0") or b"")
    after = read_pixels(house.services.images.get_image(job.id, 0) or b"")
    assert (after[:, 24:] == before[:, 24:]).all()
    assert (after[:, :24] != before[:, :24]).any()


async def test_a_picture_is_varied(house: House) -> None:
    """Without words, near the one that came."""
    with pytest.warns(DeprecationWarning, match="deprecated"):  # their client says it of this route
        answer = await house.openai.images.create_variation(image=png(), n=2, response_format="url")
    assert [bool(image.url) for image in answer.data or []] == [True, True]


async def test_an_edit_is_streamed(house: House) -> None:
    """With the events that their client knows."""
    kinds = []
    async for event in await house.openai.images.edit(image=png(), prompt="a fox", stream=True, partial_images=1):
        kinds.append(event.type)
        assert picture(event.b64_json)
    assert kinds[-1] == "image_edit.completed"
    assert set(kinds[:-1]) <= {"image_edit.partial_image"}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"image": b"no picture"}, "no PNG"),
        ({"image": b"\x89PNG\r\n\x1a\n broken"}, "damaged"),
        ({"image": [png()] * 5}, "1 to 4"),
        ({"image": png(), "mask": png()}, "mask"),
        ({"image": png()[:60]}, "could not be used"),
    ],
)
async def test_a_file_that_is_none_is_refused(house: House, files: dict[str, bytes], words: str) -> None:
    """One sentence says what is wrong with it, and nothing is drawn."""
    with pytest.raises(openai.BadRequestError) as error:
        await house.openai.images.edit(prompt="a fox", **files)  # type: ignore[call-overload]
    assert words in str(error.value)
    assert house.engine.drawn == 0


async def test_too_large_a_file_is_refused(house: House) -> None:
    """Before it is kept anywhere."""
    with pytest.raises(openai.APIStatusError) as error:
        await house.openai.images.edit(image=png() + bytes(21 * 2**20), prompt="a fox")
    assert error.value.status_code == 413


async def test_words_are_weighed_on_this_road_too(house: House) -> None:
    """The one gate: blocked ones in an edit, and light ones only for a caller who means them."""
    with pytest.raises(openai.BadRequestError) as error:
        await house.openai.images.edit(image=png(), prompt="a n u d e fox")
    assert error.value.code == "blocked_word"
    await block_word(house.services, OPERATOR, read_blocked("swamp=light"))
    with pytest.raises(openai.BadRequestError) as error:
        await house.openai.images.generate(prompt="a swamp", model="easel-small")
    assert error.value.code == "action_needed"
    await house.openai.images.generate(prompt="a swamp", moderation="low")


async def test_a_picture_that_may_not_be_shown_is_no_answer(house: House) -> None:
    """Not in the answer, not by its job, not as an input."""
    await set_policy(house.services, OPERATOR, pictures=Weighed(Weight.MEDIUM, Weight.MEDIUM), picture_threshold=0.0)
    with pytest.raises(openai.BadRequestError) as error:
        await house.openai.images.generate(prompt="a fox")
    assert error.value.code == "picture_refused"
    with pytest.raises(openai.BadRequestError) as error:
        await house.openai.images.edit(image=png(), prompt="a fox")
    assert error.value.code == "input_refused"


# ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_key_has_limits_of_its_own(house: House) -> None:
    """So many jobs an hour, and so many minutes a month, beside what its user may; 429 says so."""
    assert api_keys.limit(house.client, house.key.id, Quota(jobs_per_hour=1))
    await house.openai.images.generate(prompt="a fox")
    with pytest.raises(openai.RateLimitError) as error:
        await house.openai.images.generate(prompt="a fox")
    assert error.value.code == "rate_limited"
    house.client.delete(keys.spent(house.key.user_id))
    month = month_of(int(time.time() * 1000))
    house.client.hset(keys.usage(house.key.user_id, month), "fast:gpu_s", "60")
    assert api_keys.limit(house.client, house.key.id, Quota(fast_minutes=1))
    with pytest.raises(openai.RateLimitError) as error:
        await house.openai.images.generate(prompt="a fox")
    assert error.value.code == "used_up"


async def test_what_was_done_to_keys_is_on_record(house: House) -> None:
    """Made, limited, revoked: by whom and which, never the secret."""
    api_keys.limit(house.client, house.key.id, Quota(jobs_per_hour=1))
    api_keys.revoke(house.client, house.key.id)
    deeds = [deed for deed in await house.services.policies.deeds() if deed.about == f"key {house.key.id}"]
    assert [deed.did for deed in deeds] == ["revoke", "quota", "key"]
    assert house.secret not in str(deeds)


async def test_the_document_says_how_to_ask(house: House) -> None:
    """Every route, its answers and that it wants a key."""
    status, document = await get(house, "/openapi.json")
    assert status == 200
    assert isinstance(document, dict)
    assert {"/v1/images/generations", "/v1/images/edits", "/v1/images/variations", "/v1/models"} <= set(
        document["paths"]
    )
    assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
