"""The settings of workers and senders, and those on which they and the gateway must agree.

Read once from the environment (INKQUEUE_...).
"""

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from redis.connection import parse_url

from model.card import Precision, read_cards
from model.layout import MAX_PIXELS

PREFIX = "INKQUEUE_"
PORTS = range(1, 65_536)
REDIS_SCHEMES = ("redis", "rediss")
BROKER_SCHEMES = (*REDIS_SCHEMES, "redis+socket", "sentinel")
"""Celery understands more than our own clients do."""


class BadSettings(ValueError):
    """Settings that cannot be used. The text says which and why, and shows no secret value."""


class QueueSettings(BaseSettings):
    """Redis and the ledger. The name of a duration ends in its unit."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", allow_inf_nan=False
    )

    redis_url: Annotated[
        str, Field(validation_alias="REDIS_URL", description="where the ledger and the queue live")
    ] = "redis://127.0.0.1:6379/0"
    broker_url: Annotated[
        str, Field(description="URL for hearing doorbells there, if as another user than in REDIS_URL")
    ] = ""
    allow_unsafe_redis: Annotated[
        bool, Field(description="run on a Redis that can lose accepted jobs")
    ] = False
    allow_open_redis: Annotated[
        bool, Field(description="use a Redis that other machines can reach without a password")
    ] = False
    log: Annotated[
        Literal["text", "json"], Field(description="lines for people, or one JSON object per line")
    ] = "text"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Field(description="info logs every request, job and chunk"),
    ] = "info"
    lease_ms: Annotated[int, Field(ge=500, description="life of a claim that is not renewed")] = 5_000
    max_pixels: Annotated[
        int,
        Field(
            ge=784,
            description="width times height of one image; five times that if it is a JPEG, or grey",
        ),
    ] = MAX_PIXELS
    decode_s: Annotated[
        float,
        Field(
            gt=0,
            description="processor time to decode an image of max_pixels; twice this to cut a sheet",
        ),
    ] = 3.0
    webhook_private: Annotated[
        bool,
        Field(description="send webhooks to private addresses, over http, to any port; for development"),
    ] = False
    webhook_http: Annotated[bool, Field(description="send webhooks over http as well")] = False
    webhook_ports: Annotated[
        str, Field(pattern=r"^\d+(,\d+)*$", description="ports webhooks may go to, comma-separated")
    ] = "80,443,8080,8443"

    def __init__(self, **values: Any) -> None:
        """Raises BadSettings."""
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise BadSettings("; ".join(map(_fault, error.errors()))) from None

    @field_validator("redis_url", "broker_url")
    @classmethod
    def _can_be_read(cls, url: str, field: ValidationInfo) -> str:
        """Refuse a plain /, ? or # in a password: it would be taken for host and port, and logged."""
        if not url:
            return url
        schemes = BROKER_SCHEMES if field.field_name == "broker_url" else REDIS_SCHEMES
        try:
            parts = urlsplit(url)
            if parts.scheme not in schemes or "@" in parts.path + parts.query + parts.fragment:
                raise ValueError
            if parts.scheme in REDIS_SCHEMES:
                parse_url(url)  # type: ignore[no-untyped-call]
        except ValueError:
            reason = "cannot be read as redis://HOST:PORT/0; percent-encode the password"
            raise ValueError(reason) from None
        return url

    @field_validator("webhook_ports")
    @classmethod
    def _are_ports(cls, ports: str) -> str:
        if not all(int(port) in PORTS for port in ports.split(",")):
            raise ValueError(f"ports are from 1 to {PORTS[-1]}")
        return ports


def _fault(error: Any) -> str:
    """`NAME: REASON`, with the name of the environment variable."""
    name = "".join(map(str, error["loc"]))
    reason = error["msg"].removeprefix("Value error, ")
    return f"{name if name.isupper() else PREFIX + name.upper()}: {reason}" if name else reason


class SenderSettings(QueueSettings):
    """One sender of webhooks. The limits per endpoint and per caller hold for all senders together."""

    webhook_concurrency: Annotated[int, Field(ge=1, description="open requests of one sender")] = 64
    webhook_per_endpoint: Annotated[int, Field(ge=1, description="open requests to one receiver")] = 4
    webhook_per_caller: Annotated[int, Field(ge=1, description="open requests for one caller")] = 32
    webhook_connect_s: Annotated[float, Field(gt=0, description="to resolve and reach a receiver")] = 5.0
    webhook_timeout_s: Annotated[float, Field(gt=0, description="for a whole attempt")] = 15.0
    webhook_schedule_s: Annotated[
        str,
        Field(
            pattern=r"^\d+(\.\d+)?(,\d+(\.\d+)?)*$",
            description="from each failed attempt to the next one, comma-separated",
        ),
    ] = "5,300,1800,7200,18000,36000,50400,72000,86400"


class WorkerSettings(QueueSettings):
    """One worker process."""

    models: Annotated[str, Field(description="networks, comma-separated; empty: all there are")] = ""
    device: Annotated[
        str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda, cuda:1")
    ] = "auto"
    engine: Annotated[
        Literal["auto", "openvino", "torch"], Field(description="what runs the networks")
    ] = "auto"
    precision: Annotated[
        Literal["auto", Precision],
        Field(description="of OpenVINO; auto: the lowest that a network was measured to tolerate"),
    ] = "auto"
    threads: Annotated[
        int,
        Field(
            ge=0,
            description="batches that OpenVINO reads in parallel, or threads of torch; 0: one per core",
        ),
    ] = 0
    batch: Annotated[int, Field(ge=1, description="images claimed together, or one chunk")] = 256
    slice_s: Annotated[float, Field(gt=0, description="how long a worker drains for one doorbell")] = 1.0
    stall_s: Annotated[
        float, Field(gt=0, description="a worker without progress for so long ends itself")
    ] = 60.0
    max_deaths: Annotated[
        int, Field(ge=1, description="workers that an image may kill before it is given up")
    ] = 3

    @model_validator(mode="after")
    def _engine_runs_on_device(self) -> Self:
        if self.engine == "openvino" and self.device.startswith("cuda"):
            reason = (
                f"openvino runs on a CPU, and {PREFIX}DEVICE is {self.device}; choose torch, or auto"
            )
            raise ValueError(f"{PREFIX}ENGINE: {reason}")
        return self

    def served_models(self) -> list[str]:
        """The models that this worker serves: those named, or else all there are. Raises BadCard and
        BadSettings."""
        there = read_cards()
        wanted = [name.strip() for name in self.models.split(",") if name.strip()]
        for name in wanted:
            if name not in there:
                raise BadSettings(f"{PREFIX}MODELS: no network {name!r}; there are {', '.join(there)}")
        return wanted or list(there)
