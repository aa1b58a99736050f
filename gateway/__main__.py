"""``python -m gateway``."""

import sys


def main() -> int:
    """Run the gateway; the exit code. 2 for missing or wrong settings."""
    from gateway.app import assemble
    from gateway.settings import GatewaySettings
    from services.chassis import process
    from services.chassis.runtime.settings import InvalidSettings, load_or_exit

    settings = load_or_exit(GatewaySettings, "gateway")
    try:
        return process.run("gateway", settings, lambda: assemble(settings))
    except InvalidSettings as wrong:  # what a setting names is not what it should be
        sys.stderr.write(f"the gateway can't start: {wrong}\n")
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
