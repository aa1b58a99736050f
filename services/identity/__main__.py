"""``python -m services.identity api | worker | relay | migrate``."""

import sys


def main(role: str) -> int:
    """Run one of the service's processes."""
    from services.hosting import processes
    from services.identity.app import IDENTITY

    return processes.main(IDENTITY, role)


if __name__ == "__main__":
    from services.chassis.process import end

    end(main(sys.argv[1] if len(sys.argv) == 2 else ""))
