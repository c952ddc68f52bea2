"""The gateway's settings: where it listens, whom it lets in, how much it takes (INKQUEUE_...)."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from worker.settings import QueueSettings

MIB = 1 << 20


class GatewaySettings(QueueSettings):
    """One gateway process. Every limit is answered with a problem that names it."""

    host: str = "127.0.0.1"
    port: int = 8000
    published: Annotated[
        str, Field(description="the address others see, where a container publishes the port")
    ] = ""
    api_keys: Annotated[str, Field(description="ID:SHA256 pairs, space-separated")] = ""
    api_keys_file: Annotated[Path | None, Field(description="the same, one a line")] = None
    allow_anonymous: Annotated[
        bool, Field(description="serve without keys on other addresses than loopback")
    ] = False

    max_body_bytes: int = 1024 * MIB
    max_json_bytes: int = 64 * MIB
    max_unpacked_bytes: int = 2048 * MIB
    max_ratio: Annotated[int, Field(description="unpacked to packed bytes of an archive")] = 200
    max_image_bytes: int = 16 * MIB
    max_images: Annotated[int, Field(description="images in one job")] = 1_000_000
    max_form_files: int = 1000
    max_zip_entries: int = 100_000
    max_tiff_pages: int = 10_000
    max_queued: Annotated[int, Field(description="images waiting in all")] = 5_000_000
    max_open: Annotated[int, Field(description="unfinished jobs of one caller")] = 10_000
    max_pixels: int = 16_000_000

    chunk_images: int = 256
    chunk_bytes: int = MIB
    interactive_images: Annotated[
        int, Field(description="a job of at most this many images takes the fast lane")
    ] = 16
    expires_in: Annotated[int, Field(description="seconds a job is kept by default")] = 86_400
    max_expires_in: int = 7 * 86_400
    prediction_wait: float = 5.0
    max_wait: float = 60.0

    ping_s: Annotated[float, Field(gt=0, description="an idle event stream says it is there")] = 15.0
    stall_s: Annotated[
        float, Field(gt=0, description="a reader that takes nothing for so long is cut off")
    ] = 30.0
    max_streams: Annotated[int, Field(description="open event streams of one caller")] = 1000
