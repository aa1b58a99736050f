"""The connections of all pools together stay below PostgreSQL's limit."""

from deploy.local import postgres
from deploy.local.secrets import SERVICES
from services.hosting.processes import POOL_SIZES

RELAY_LEASE = 1
"""A relay's connection beside its pool: the lease, and LISTEN."""
HOST_COMMANDS = 3
"""Commands that may run beside the stack, such as a rebuild of three services, each with a worker's pool."""
SUPERUSER_RESERVED = 3
"""PostgreSQL's `superuser_reserved_connections`."""


def test_all_pools_fit_into_max_connections() -> None:
    of_services = len(SERVICES) * (sum(POOL_SIZES.values()) + RELAY_LEASE)
    most = of_services + HOST_COMMANDS * POOL_SIZES["worker"] + SUPERUSER_RESERVED
    assert most <= int(postgres.SETTINGS["max_connections"])
