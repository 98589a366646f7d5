"""What an operator may set for a worker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, SecretStr

from contract.catalogue import Catalogue
from exchange.settings import CommonSettings, SettingsError, missing

if TYPE_CHECKING:
    from worker.signing import Signer

DEFAULT_MODEL = Path(__file__).resolve().parent.parent / "model" / "default"
MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Room:
    """budget: bytes of the device that a model may take, None for what it has. spare: a folder where weights lie that
    have no room in a processor's memory."""

    budget: int | None = None
    spare: Path | None = None


class WorkerSettings(CommonSettings):
    """The settings of a worker process; `read_settings(WorkerSettings)` reads them."""

    model: str = Field(
        "", description="model of the catalogue to draw with, several with commas between, or all; the first if empty"
    )
    model_source: str = Field("", description="folder or hub id to load a single one from, not the catalogue's")
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$", description="auto, cpu, cuda, cuda:0 or mps")
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = Field("auto", description="precision of the weights")
    memory_gib: float = Field(
        0,
        ge=0,
        description="GiB of its device that a worker may take; what does not fit comes layer by layer; 0 for any",
    )
    resident: int = Field(1, ge=1, le=64, description="models that stay loaded beside each other, as far as they fit")
    slots: int = Field(4, ge=1, le=64, description="jobs drawn together in one batch")
    max_pixels: int = Field(0, ge=0, description="largest picture this device has room for, 0 for any")
    intake_slots: int = Field(4, ge=1, le=64, description="jobs whose linked pictures are read at the same time")
    delivery_slots: int = Field(4, ge=1, le=64, description="messages posted at the same time")
    upload_limit_mb: float = Field(10, gt=0, le=500, description="largest file the server takes, in MiB")
    animations: Literal["webp", "mp4"] = Field(
        "webp", description='what moves is posted as: webp, or mp4 (`pip install ".[mp4]"`)'
    )
    sign: bool = Field(True, description="whether pictures carry content credentials (C2PA) that say what made them")
    signing_certificate: str = Field(
        "", description="file of your certificate chain (PEM, P-256); one is made if empty"
    )
    signing_key: str = Field("", description="file of its key (PEM)")
    state_folder: str = Field(
        "data/worker",
        description="what a worker keeps for itself: its certificate, graphs that it exported, which models have drawn",
    )
    api_secret: SecretStr | None = Field(
        None, min_length=16, description="what the API has as its API_SECRET: signs the webhooks of its callers"
    )
    drain_s: float = Field(60, ge=0, le=3600, description="seconds that running jobs get to finish after SIGTERM")
    delivery_patience_s: float = Field(60, ge=0, description="seconds to wait for Discord before a fresh attempt")
    retention_days: float = Field(0, ge=0, description="days after which pictures are deleted, 0 to keep them for ever")
    contact: str = Field(
        "",
        max_length=200,
        pattern=r"^[\x20-\x7e]*$",
        description="a page or address of yours (ASCII), told to the hosts of pictures that prompts link to",
    )

    @property
    def room(self) -> Room:
        """How much of its device a worker may take."""
        budget = int(self.memory_gib * GIBIBYTE) if self.memory_gib else None
        return Room(budget, Path(self.state_folder) / "spare")

    @property
    def upload_limit_bytes(self) -> int:
        """The largest file that a message may carry."""
        return int(self.upload_limit_mb * MEBIBYTE)

    def models_of(self, catalogue: Catalogue) -> tuple[str, ...]:
        """The names of the models to draw with, the one to begin with first; never empty.

        UserError `model_not_found` for a name that the catalogue does not have.
        """
        offered = [model.name for model in catalogue]
        if not self.model:
            return (offered[0],)
        if self.model in offered:  # a name may hold a comma, or be "all"
            return (self.model,)
        if self.model == "all":
            return tuple(offered)
        names = [catalogue.asked_for(name).name for part in self.model.split(",") if (name := part.strip())]
        return tuple(dict.fromkeys(names)) or (offered[0],)

    def signer(self) -> Signer | None:
        """What signs pictures here, None where they are not to be signed. SettingsError when it cannot."""
        if not self.sign:
            return None
        if bool(self.signing_certificate) != bool(self.signing_key):
            raise SettingsError("SIGNING_CERTIFICATE and SIGNING_KEY belong together: set both or neither")
        from worker.signing import Signer, SigningError

        try:
            if self.signing_key:
                return Signer.from_files(Path(self.signing_certificate), Path(self.signing_key))
            return Signer.self_made(Path(self.state_folder) / "signing")
        except SigningError as error:
            raise SettingsError(f"pictures cannot be signed: {error} (SIGN=false turns signing off)") from None

    def require_token(self) -> SecretStr:
        """The bot token; SettingsError when there is none."""
        if self.discord_token is None:
            raise SettingsError(missing("discord_token"))
        return self.discord_token
