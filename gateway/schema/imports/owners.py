"""Which service takes in which file, and which owns an import."""

OWNERS = {
    "organisations": "identity",
    "invoices": "stats",
    "sites": "sites",
    "containers": "sites",
    "articles": "orders",
    "routes": "orders",
    "holidays": "orders",
    "rules": "orders",
    "agreements": "orders",
    "pickups": "orders",
}
"""The service that takes in a kind of file."""

PREFIX = "import_"


def owner_of(import_id: str) -> str | None:
    """The service that an import's id names (``import_<service>_...``); None if it names none."""
    if not import_id.startswith(PREFIX):
        return None
    service = import_id.removeprefix(PREFIX).partition("_")[0]
    return service if service in OWNERS.values() else None
