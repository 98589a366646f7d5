"""What an operator may set for the API."""

from __future__ import annotations

from pydantic import Field, SecretStr

from service.settings import DoorSettings


class ApiSettings(DoorSettings):
    """The settings of the API process; `read_settings(ApiSettings)` reads them."""

    api_host: str = Field("127.0.0.1", description="where the API listens; put a proxy with TLS before anything else")
    api_port: int = Field(8790, ge=0, le=65535, description="its port, 0 for a free one")
    api_url: str = Field("", description="the API's address as its callers see it, for links to pictures")
    api_secret: SecretStr | None = Field(
        None, min_length=16, description="signs links to pictures and webhooks; the same here and for who delivers"
    )
    api_wait_s: float = Field(600, gt=0, le=3600, description="seconds that a request waits for its pictures")
