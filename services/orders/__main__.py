"""``python -m services.orders api | worker | relay | migrate``."""

import sys


def main(role: str) -> int:
    """Run one of the service's processes."""
    from services.hosting import processes
    from services.orders.app import ORDERS

    return processes.main(ORDERS, role)


if __name__ == "__main__":
    from services.chassis.process import end

    end(main(sys.argv[1] if len(sys.argv) == 2 else ""))
