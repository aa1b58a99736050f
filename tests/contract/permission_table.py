"""The table of permissions in the documentation, written from the contracts."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from services.chassis.rpc.signature import Signature, signatures
from services.contracts.permission import Permission, Role

DOCUMENT = Path(__file__).parents[2] / "docs" / "permissions.md"
_HEAD = "| operation | callers | about | rows of |\n| --- | --- | --- | --- |\n"


def permission_table(contracts: Iterable[type]) -> str:
    """Return the table: a row for each operation."""
    rows = [
        f"| `{contract.__name__}.{name}` | {_callers(operation)} | {_about(operation)} | {_rows(operation)} |\n"
        for contract in contracts
        for name, operation in signatures(contract).items()
    ]
    return _HEAD + "".join(rows)


def permission_table_errors(contracts: Iterable[type]) -> list[str]:
    """Return an error if the documentation has another table."""
    current = DOCUMENT.read_text(encoding="utf-8").endswith(permission_table(contracts))
    return [] if current else ["docs/permissions.md is not current"]


def write_permission_table(contracts: Iterable[type]) -> None:
    """Replace the table in the documentation."""
    text = DOCUMENT.read_text(encoding="utf-8").partition(_HEAD)[0]
    DOCUMENT.write_text(text + permission_table(contracts), encoding="utf-8")


def _callers(operation: Signature) -> str:
    if operation.declared.permission is None:
        return "anyone" if operation.declared.open else "the gateway, for anyone"
    return "; ".join(_named_callers(operation.declared.permission))


def _named_callers(permission: Permission) -> Iterator[str]:
    for kind in sorted(permission.kinds, key=lambda one: one.name):
        scope = f" with `{permission.scope}`" if kind.name == "PARTNER" and permission.scope else ""
        yield f"{kind.name}{scope}"
    if permission.services:
        yield f"services {', '.join(sorted(permission.services))}"


def _about(operation: Signature) -> str:
    permission = operation.declared.permission
    role = f", {permission.role.name}" if permission and permission.role is not Role.VIEWER else ""
    return ", ".join(f"{one.prefix}{role}" for one in operation.things)


def _rows(operation: Signature) -> str:
    return ", ".join(
        f"`{'.'.join(one.path)}`" for one in operation.id_inputs if one.prefix and not one.identifies_thing
    )
