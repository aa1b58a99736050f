"""The services that own imports, by id."""

from services.contracts.imports import OWNER_BY_KIND

ID_PREFIX = "import_"


def owner_of(import_id: str) -> str | None:
    """Return the service in an import's id (``import_<service>_...``); None if there is none."""
    if not import_id.startswith(ID_PREFIX):
        return None
    service = import_id.removeprefix(ID_PREFIX).partition("_")[0]
    return service if service in OWNER_BY_KIND.values() else None
