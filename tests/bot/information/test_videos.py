"""What /info says where a model draws videos."""

from __future__ import annotations

from dataclasses import replace

import pytest
from simcord import ChannelHandle, MemberActor

from contract.catalogue import EASEL_SMALL, Catalogue
from service.services import Services
from tests.contract.kinds.examples import MOVING


@pytest.fixture
def services(services: Services) -> Services:
    """With a model that draws videos."""
    return replace(services, catalogue=Catalogue((EASEL_SMALL, replace(MOVING, licence="LTXV 1.0"))))


async def test_info_names_who_draws_videos(channel: ChannelHandle, alice: MemberActor) -> None:
    """With the licence, as of the model that draws pictures."""
    result = await alice.slash(channel, "info")
    assert result.response is not None
    text = result.response.embeds[0].description or ""
    assert "**Model**: Easel Small (MIT" in text
    assert "**Videos**: Tiny Video (LTXV 1.0)" in text
