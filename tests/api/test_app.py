"""The API through OpenAI's own client, unchanged, and through plain HTTP where that client cannot go."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import io
import json

import aiohttp
import openai
import pytest
from PIL import Image

from exchange import api_keys
from exchange.queue import CancelOutcome, Limits
from tests.api.conftest import SECRET, House
from worker.delivery.program import webhook_secret


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
    other = await house.openai.images.generate(prompt="a fox")
    assert other.model_dump()["jobs"] != first.model_dump()["jobs"]


async def test_who_hangs_up_wants_no_pictures(house: House) -> None:
    """The job of a broken connection ends, so that others have its turn."""
    with pytest.raises(openai.APITimeoutError):
        await house.openai.images.generate(prompt="for ever", timeout=0.7)
    async with asyncio.timeout(20):
        while await house.services.queue.of_user(house.key.user_id):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_too_many_at_once_are_told_to_wait(house: House) -> None:
    """The caps of a person hold for a key: 429, which their client knows to try again."""
    running = [asyncio.create_task(house.openai.images.generate(prompt="for ever")) for _ in range(2)]
    async with asyncio.timeout(20):
        while house.engine.drawn < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    house.services.queue.limits = Limits(max_queued_per_user=1)
    with pytest.raises(openai.RateLimitError) as error:
        await house.openai.images.generate(prompt="a fox", n=8)
    assert error.value.code == "queue_full"
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
