"""``python -m gateway``."""


def main() -> int:
    """Run the gateway; the exit code. 2 for missing or wrong settings."""
    from gateway.app import assemble
    from gateway.settings import GatewaySettings
    from services.chassis import process
    from services.chassis.settings import load_or_exit

    settings = load_or_exit(GatewaySettings, "gateway")
    return process.run("gateway", settings, lambda: assemble(settings))


if __name__ == "__main__":
    raise SystemExit(main())
