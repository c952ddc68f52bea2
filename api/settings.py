"""The gateway's settings: where it listens, whom it lets in, how much it takes (INKQUEUE_...)."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from worker.settings import QueueSettings

MIB = 1 << 20


class GatewaySettings(QueueSettings):
    """One gateway process. A request beyond a limit is answered with a problem that names the limit."""

    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535, description="port to listen on")] = 8000
    share_port: Annotated[
        bool, Field(description="let other gateways of this user listen there; they take turns")
    ] = False
    heartbeat_fd: Annotated[
        int, Field(ge=-1, description="of a pipe to which it writes that it does not hang; -1: of none")
    ] = -1
    published: Annotated[
        str, Field(description="the address at which a container publishes the port")
    ] = ""
    api_keys: Annotated[
        str, Field(description="keys, as lines of `inkqueue keys`, separated by spaces")
    ] = ""
    api_keys_file: Annotated[
        Path | None, Field(description="file of such lines, which is read again when it changes")
    ] = None
    allow_anonymous: Annotated[
        bool, Field(description="serve without keys on addresses other than loopback")
    ] = False

    allowed_hosts: Annotated[
        str,
        Field(
            description="host names to answer to besides local ones: names, *.example.org, or * for any;"
            " by default any, but only local ones on loopback without keys"
        ),
    ] = ""
    trusted_proxies: Annotated[
        str, Field(description="addresses and networks exempt from max_connections_per_address")
    ] = ""
    max_connections: Annotated[int, Field(ge=1, description="open connections in all")] = 4096
    max_connections_per_address: Annotated[
        int, Field(ge=1, description="open connections of one IPv4 address or IPv6 /64")
    ] = 1500
    max_pipelined: Annotated[int, Field(ge=1, description="requests waiting on one connection")] = 16
    max_headers: Annotated[int, Field(ge=1, description="header fields of a request")] = 64
    max_header_bytes: Annotated[int, Field(ge=1, description="of all header fields together")] = 32_768
    max_url_bytes: Annotated[int, Field(ge=1, description="of a path and its query")] = 32_768
    head_s: Annotated[
        float, Field(gt=0, description="seconds for a request's head to arrive, from its first byte")
    ] = 10.0
    body_s: Annotated[
        float, Field(gt=0, description="seconds that a body may stall, or arrive below min_rate")
    ] = 15.0
    unread_s: Annotated[
        float,
        Field(gt=0, description="seconds that an answer may stay unread, or be read below min_rate"),
    ] = 30.0
    min_rate: Annotated[
        float, Field(gt=0, description="bytes a second at which a body or an answer counts as moving")
    ] = 500.0
    keep_alive_s: Annotated[float, Field(gt=0, description="seconds a connection may idle")] = 20.0

    max_body_bytes: Annotated[int, Field(ge=1, description="of a request other than JSON")] = 1024 * MIB
    max_json_bytes: Annotated[
        int, Field(ge=1, description="of a request of JSON, held in memory several times")
    ] = 16 * MIB
    max_unpacked_bytes: Annotated[int, Field(ge=1, description="of all files of an archive")] = (
        2048 * MIB
    )
    max_ratio: Annotated[int, Field(ge=1, description="unpacked to packed bytes of an archive")] = 200
    max_image_bytes: Annotated[int, Field(ge=1, description="of an image file")] = 16 * MIB
    max_json_held: Annotated[
        int, Field(ge=1, description="bytes of JSON read at a time; one document is read in any case")
    ] = 16 * MIB
    max_images: Annotated[
        int,
        Field(ge=1, description="images in one job, if its chunks, at most 20,000, can hold so many"),
    ] = 1_000_000
    max_form_files: Annotated[int, Field(ge=1, description="files of a form")] = 1000
    max_zip_entries: Annotated[int, Field(ge=1, description="entries of a ZIP, folders too")] = 100_000
    max_tiff_pages: Annotated[int, Field(ge=1, description="pages of a TIFF")] = 10_000
    max_queued: Annotated[int, Field(ge=1, description="images waiting in all")] = 5_000_000
    max_open: Annotated[int, Field(ge=1, description="unfinished jobs of one caller")] = 10_000
    max_webhooks: Annotated[int, Field(ge=0, description="registered endpoints of one caller")] = 20

    memory_mark: Annotated[
        float, Field(gt=0, le=1, description="share of Redis's memory beyond which no job is taken")
    ] = 0.7
    redis_memory: Annotated[
        int,
        Field(ge=0, description="bytes to count with if Redis has no maxmemory; 0: all of its machine"),
    ] = 0
    quota_requests: Annotated[
        float, Field(ge=0, description="requests a second of one caller; 0 is no limit, here and below")
    ] = 0.0
    quota_burst: Annotated[int, Field(ge=0, description="requests at once; 0: those of a second")] = 0
    quota_queued: Annotated[int, Field(ge=0, description="waiting images of one caller")] = 0
    quota_bytes: Annotated[
        int, Field(ge=0, description="of one caller's uploads in progress at this gateway")
    ] = 0
    quota_streams: Annotated[
        int, Field(ge=0, description="open event streams of one caller at all gateways")
    ] = 0
    quotas: Annotated[
        str, Field(description="other quotas for some: OWNER:requests=50,burst=100,queued=1000 ...")
    ] = ""

    chunk_images: Annotated[
        int, Field(ge=1, description="files of a chunk, which is claimed and read whole")
    ] = 256
    chunk_glyphs: Annotated[
        int, Field(ge=1, description="images in a chunk of an array, which needs no decoding")
    ] = 512
    chunk_bytes: Annotated[int, Field(ge=1, description="of its files, unless one is larger")] = MIB
    window: Annotated[
        int, Field(ge=1, le=1000, description="chunks of one job that are due at a time")
    ] = 6
    interactive_images: Annotated[
        int, Field(ge=0, description="a job of at most this many images takes the fast lane")
    ] = 16
    expires_in: Annotated[int, Field(ge=1, description="seconds a job is kept by default")] = 86_400
    max_expires_in: Annotated[int, Field(ge=1, description="seconds a job may be kept")] = 7 * 86_400
    drain_s: Annotated[
        float,
        Field(gt=0, description="seconds in which all that waits should be read (desired_workers)"),
    ] = 60.0
    min_workers: Annotated[int, Field(ge=0, description="desired_workers is never less")] = 1
    max_workers: Annotated[int, Field(ge=1, description="desired_workers is never more")] = 16
    prediction_wait: Annotated[
        float,
        Field(ge=0, description="seconds to wait for a prediction, unless the caller says how long"),
    ] = 5.0
    max_wait: Annotated[float, Field(ge=0, description="seconds that any request may wait")] = 60.0

    ping_s: Annotated[float, Field(gt=0, description="seconds until an idle stream sends a ping")] = 15.0
    max_streams: Annotated[int, Field(ge=0, description="a caller's event streams per gateway")] = 1000

    @field_validator("api_keys_file", mode="before")
    @classmethod
    def _empty_is_no_file(cls, path: object) -> object:
        """Take an empty path for no file: it would be the working directory."""
        return path or None

    @model_validator(mode="after")
    def _default_is_allowed(self) -> Self:
        if self.expires_in > self.max_expires_in:
            reason = f"{self.expires_in} is over INKQUEUE_MAX_EXPIRES_IN; set both"
            raise ValueError(f"INKQUEUE_EXPIRES_IN: {reason}")
        return self

    @model_validator(mode="after")
    def _fewest_are_not_more_than_most(self) -> Self:
        if self.min_workers > self.max_workers:
            reason = f"{self.min_workers} is over INKQUEUE_MAX_WORKERS, {self.max_workers}; set both"
            raise ValueError(f"INKQUEUE_MIN_WORKERS: {reason}")
        return self
