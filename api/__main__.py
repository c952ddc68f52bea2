"""`python -m api`: one gateway process under uvicorn."""

import logging

import redis

from worker import logs
from worker.connections.safety import UnsafeRedis, require_safe
from worker.environment import warn_of_unknown_settings
from worker.memory import give_memory_back, tune_garbage_collection

from .app import create_app
from .edge.descriptors import room_for
from .edge.policy import EdgePolicy
from .server import serve
from .services import services_of
from .settings import GatewaySettings
from .telemetry.access import AccessLogFilter
from .telemetry.request_metrics import without_cut_off_answers


def main() -> None:
    """Serve until told to stop."""
    give_memory_back()
    try:
        settings = GatewaySettings()
        logs.configure(settings, "gateway")
        warn_of_unknown_settings(logging.getLogger("inkqueue"))
        logging.getLogger("uvicorn.access").addFilter(AccessLogFilter())
        logging.getLogger("uvicorn.error").addFilter(without_cut_off_answers)
        app = create_app(settings)
        services = services_of(app)
        require_safe(services.blocking_client, settings)
        most = room_for(settings.max_connections)
        policy = EdgePolicy.of(settings, most, bool(services.keyring), services.metrics.refused)
    except (ValueError, UnsafeRedis, redis.RedisError) as error:
        logs.refuse("gateway", error)
    tune_garbage_collection()
    serve(app, settings, policy)


if __name__ == "__main__":
    main()
