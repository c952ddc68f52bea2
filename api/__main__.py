"""`python -m api`: one gateway process under uvicorn."""

import uvicorn

from .app import create_app
from .auth import BadKeys, UnsafeAddress
from .settings import GatewaySettings


def main() -> None:
    """Serve until told to stop."""
    settings = GatewaySettings()
    try:
        app = create_app(settings)
    except (BadKeys, UnsafeAddress) as error:
        raise SystemExit(f"gateway: {error}") from error
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=10,
    )


if __name__ == "__main__":
    main()
