"""``python -m services.sites api | worker | relay | migrate``."""

import sys


def main(role: str) -> int:
    """Run one of the service's processes."""
    from services.hosting import processes
    from services.sites.app import SITES

    return processes.main(SITES, role)


if __name__ == "__main__":
    from services.chassis.process import end

    end(main(sys.argv[1] if len(sys.argv) == 2 else ""))
