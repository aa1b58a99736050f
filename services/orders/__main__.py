"""``python -m services.orders api | worker | relay | migrate``."""

import sys


def main(role: str) -> int:
    """Run one of the service's processes."""
    from services.access import assembly
    from services.orders.app import ORDERS

    return assembly.main(ORDERS, role)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1] if len(sys.argv) == 2 else ""))
