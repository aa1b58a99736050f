"""``python -m services.support api | worker | relay | migrate``."""

import sys


def main(role: str) -> int:
    """Run one of the service's processes."""
    from services.hosting import processes
    from services.support.app import SUPPORT

    return processes.main(SUPPORT, role)


if __name__ == "__main__":
    from services.chassis.process import end

    end(main(sys.argv[1] if len(sys.argv) == 2 else ""))
