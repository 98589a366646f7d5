"""/blend and /edit: pictures become a prompt that could have been typed."""

from __future__ import annotations

import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle

from bot.imagine.uploads import Upload
from service.services import Services
from tests.bot.delivered import accepted_job
from tests.bot.imagine.test_commands import refusal_of

PNG = b"not looked at before the intake"


def picture(name: str) -> tuple[str, bytes]:
    return name, PNG


async def test_a_blend_is_its_pictures_without_words(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """The links in their order and a shape, square where none is chosen, as Midjourney echoes it."""
    result = await alice.slash(channel, "blend", image1=picture("a.png"), image2=picture("b.jpg"))
    job = await accepted_job(services, alice.id)
    assert job.prompt.parts == ()
    assert [image.url.rpartition("/")[2] for image in job.prompt.images] == ["a.png", "b.jpg"]
    assert job.prompt.parameters.aspect == (1, 1)
    assert result.response is not None
    assert result.response.content.startswith("**<https://")
    assert "--ar 1:1 --v 8.2** - " in result.response.content


async def test_a_blend_takes_five_and_a_shape(services: Services, channel: ChannelHandle, alice: MemberActor) -> None:
    """Options may have gaps; the shape is the flag that clients send."""
    files = {f"image{number}": picture(f"{number}.webp") for number in (1, 2, 3, 5)}
    await alice.slash(channel, "blend", dimensions="--ar 2:3", **files)
    job = await accepted_job(services, alice.id)
    assert (len(job.prompt.images), job.prompt.parameters.aspect) == (4, (2, 3))


async def test_a_blend_without_pictures_asks_for_them(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """One form with all files and the shape."""
    form = await alice.slash(channel, "blend")
    await alice.submit_modal(form, {"images": [picture("a.png"), picture("b.png"), picture("c.png")]})
    job = await accepted_job(services, alice.id)
    assert (len(job.prompt.images), job.prompt.parameters.aspect) == (3, (1, 1))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"image1": picture("a.png")}, "takes 2 to 5 pictures"),
        ({"image1": picture("a.png"), "image2": picture("notes.txt")}, "`notes.txt` is not a picture"),
        ({"image1": picture("a.heic"), "image2": picture("b.png")}, "PNG, JPEG, WebP or GIF"),
    ],
)
async def test_what_cannot_be_blended_is_said(
    services: Services,
    channel: ChannelHandle,
    alice: MemberActor,
    files: dict[str, tuple[str, bytes]],
    said: str,
) -> None:
    """One alone, and files of another kind: nothing is accepted."""
    result = await alice.slash(channel, "blend", **files)
    assert said in str(refusal_of(result).description)
    assert await services.queue.of_user(alice.id) == []


async def test_an_edit_is_words_and_pictures(services: Services, channel: ChannelHandle, alice: MemberActor) -> None:
    """Uploads come before links; what the model cannot do is said in small print."""
    result = await alice.slash(
        channel, "edit", instruction="make the cat red --raw", image=picture("cat.png"), link="https://a.org/hat.png"
    )
    job = await accepted_job(services, alice.id)
    assert job.prompt.text == "make the cat red"
    assert [link.rpartition("/")[2] for link in job.prompt.links] == ["cat.png", "hat.png"]
    assert job.prompt.parameters.raw
    assert result.response is not None
    assert "\n-# Easel Small does not read instructions" in result.response.content


async def test_an_edit_needs_a_picture(services: Services, channel: ChannelHandle, alice: MemberActor) -> None:
    """Before anything is accepted; a flag in the words is a picture too."""
    result = await alice.slash(channel, "edit", instruction="make it red")
    assert "There is no picture to change" in str(refusal_of(result).description)
    assert await services.queue.of_user(alice.id) == []
    await alice.slash(channel, "edit", instruction="make it red --edit https://a.org/hat.png")
    assert (await accepted_job(services, alice.id)).prompt.links == ("https://a.org/hat.png",)


@pytest.mark.parametrize(
    ("width", "height", "ratio"),
    [
        *((1024, 1024, "1:1"), (1536, 1024, "3:2"), (1024, 683, "3:2"), (1080, 1920, "9:16"), (4000, 100, "14:1")),
        *((100, 4000, "1:14"), (1170, 2532, "6:13")),
    ],
)
def test_an_edit_has_the_shape_of_its_first_upload(width: int, height: int, ratio: str) -> None:
    """In small whole numbers, and no longer than models draw; unknown sizes say nothing."""
    assert Upload("https://a.org/x.png", width, height).ratio() == ratio
    assert Upload("https://a.org/x.png").ratio() is None


def test_a_long_picture_is_cut_shorter_in_hd() -> None:
    """Nobody who edits it has typed a ratio, so none is refused."""
    assert Upload("https://a.org/x.png", 6000, 1000).ratio() == "6:1"
    assert Upload("https://a.org/x.png", 6000, 1000).ratio(hd=True) == "4:1"
    assert Upload("https://a.org/x.png", 900, 600).ratio(hd=True) == "3:2"
