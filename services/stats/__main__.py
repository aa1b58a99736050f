"""``python -m services.stats api | worker | relay | migrate``."""

import sys


def main(role: str) -> int:
    """Run one of the service's processes."""
    from services.hosting import processes
    from services.stats.app import STATS

    return processes.main(STATS, role)


if __name__ == "__main__":
    from services.chassis.process import end

    end(main(sys.argv[1] if len(sys.argv) == 2 else ""))
