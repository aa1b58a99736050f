"""Start of hive-router, the program of the first argument, in this process, with the configuration in ``hive``."""

import os
import sys
from pathlib import Path

_CONFIGURATION = Path(__file__).parent / "hive" / "router.config.yaml"


def main() -> None:
    """Translate the gateway's settings to the router's, and execute it."""
    host, _, port = os.environ["KIERTO_LISTEN"].rpartition(":")
    settings = {
        "HOST": host,
        "PORT": port,
        "ROUTER_CONFIG_FILE_PATH": str(_CONFIGURATION),
        "SITES_SUBGRAPH": f"{os.environ['KIERTO_SITES_URL']}/graphql",
        "ORDERS_SUBGRAPH": f"{os.environ['KIERTO_ORDERS_URL']}/graphql",
    }
    _, program = sys.argv
    os.execve(program, [program], os.environ | settings)


if __name__ == "__main__":
    main()
