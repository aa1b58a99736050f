"""``python -m gateway``."""

import sys


def main() -> int:
    """Run the gateway and return the exit code: 2 for missing or invalid settings."""
    from gateway.app import assemble
    from gateway.settings import GatewaySettings
    from services.chassis import process
    from services.chassis.runtime.settings import InvalidSettings, load_or_exit

    settings = load_or_exit(GatewaySettings, "gateway")
    try:
        return process.run("gateway", settings, lambda: assemble(settings))
    except InvalidSettings as error:  # a setting that only assemble() can check: a file, a network, an origin
        sys.stderr.write(f"the gateway can't start: {error}\n")
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
