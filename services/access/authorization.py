"""Authorization: the permission that an operation declares, checked before the operation runs."""

import uuid
from collections.abc import Iterator, Mapping

import msgspec

from services.access.caller import Caller, EffectivePermissions
from services.access.decision import GRANT_HOLDS_TODAY
from services.chassis.db.postgres import Pool
from services.chassis.ids import find_id
from services.chassis.problems import Forbidden, Unauthenticated
from services.chassis.rpc.id_inputs import IdInput
from services.chassis.rpc.signature import Signature, client_path, signatures
from services.chassis.runtime.clock import Clock
from services.contracts.permission import Permission, Role, SubjectKind
from services.contracts.values import Refusal, refuse

_COVERS_SITE = f"""
    SELECT EXISTS (SELECT 1 FROM access.grants g
                   WHERE g.subject_id = $1 AND {GRANT_HOLDS_TODAY} AND (g.site_id IS NULL OR g.site_id = $3))
"""


class ThingOwner(msgspec.Struct, frozen=True):
    """The organisation and the site to which the things of one type belong."""

    query: str
    """The query for a thing's organisation and site, NULL for one of the whole organisation; $3 is the thing's id."""
    copied: bool = False
    """Whether another service owns the things: one that is missing here may exist there."""

    @property
    def permissions_query(self) -> str:
        """The query for a caller's permissions ($1 caller, $2 day) on a thing: no row if it does not exist."""
        return f"""
            SELECT granted.* FROM ({self.query}) AS owner (organisation_id, site_id)
            CROSS JOIN LATERAL (
                SELECT (array_agg(role ORDER BY array_position(ARRAY['ADMIN', 'EDITOR', 'VIEWER'], role)))[1] AS role,
                       coalesce(bool_or(billing), false) AS billing, count(*) > 0 AS reached
                FROM access.grants g
                WHERE g.subject_id = $1 AND {GRANT_HOLDS_TODAY}
                  AND (g.organisation_id IS NULL OR g.organisation_id = owner.organisation_id)
                  AND (g.site_id IS NULL OR g.site_id = owner.site_id)
            ) AS granted
        """


def check_permission(caller: Caller, permission: Permission) -> None:
    """Raise Forbidden unless a permission includes the caller.

    Every condition on callers stands here. A service that calls for itself needs to be named.
    """
    if caller.kind is SubjectKind.SERVICE:
        permitted = caller.service in permission.services
    else:
        permitted = caller.kind in permission.kinds
    if caller.kind is SubjectKind.PARTNER and permission.scope is not None:
        permitted = permitted and permission.scope in caller.scopes
    if not permitted:
        raise Forbidden


class Authorization:
    """Checks the declared permissions of a service's operations."""

    def __init__(self, contract: type, owners: Mapping[str, ThingOwner], pool: Pool, clock: Clock) -> None:
        """``owners`` has those of all things that operations of ``contract`` are about; else TypeError."""
        missing = {thing.prefix for thing in _things_of(contract)} - owners.keys()
        if missing:
            raise TypeError(f"{contract.__name__} has operations on things without an owner: {sorted(missing)}")
        self._owners = owners
        self._pool = pool
        self._clock = clock

    def check_caller(self, caller: Caller, operation: Signature) -> None:
        """Raise Forbidden if the operation's permission does not include the caller.

        Raises Unauthenticated if a public operation is not called by the gateway, unless it is open.
        """
        permission = operation.declared.permission
        if permission is not None:
            check_permission(caller, permission)
        elif not (operation.declared.open or caller.from_gateway):
            raise Unauthenticated

    async def check_things(self, caller: Caller, operation: Signature, arguments: msgspec.Struct) -> Caller | Refusal:
        """Return the caller with the permissions on what the call is about.

        Refused with NOT_FOUND for a thing that the caller does not reach, FORBIDDEN for a lesser role, NOT_READY_YET
        for a thing that may be on its way from its owner.
        """
        permission = operation.declared.permission
        if permission is None:
            return caller
        for thing in operation.things:
            text = thing.find(arguments)
            if text is None:
                continue
            permissions = await self._permissions(caller, thing, text)
            if isinstance(permissions, Refusal):
                return permissions
            if caller.kind is not SubjectKind.PARTNER and not _includes(permissions.role, permission.role):
                return refuse("FORBIDDEN")
            caller = msgspec.structs.replace(caller, permissions=permissions)
        return caller

    async def _permissions(self, caller: Caller, thing: IdInput, text: str) -> EffectivePermissions | Refusal:
        thing_id, owner = find_id(thing.prefix, text), self._owners[thing.prefix]
        if thing_id is None:
            return refuse("NOT_FOUND", *client_path(thing.path))
        today = self._clock.today()
        row = await self._pool.fetchrow(owner.permissions_query, caller.subject_id, today, thing_id)
        if row is not None and row["reached"]:
            return EffectivePermissions(Role(row["role"]) if row["role"] else None, row["billing"])
        if row is None and owner.copied and await self._may_exist(caller, thing_id):
            return refuse("NOT_READY_YET", *client_path(thing.path), retryable=True)
        return refuse("NOT_FOUND", *client_path(thing.path))

    async def _may_exist(self, caller: Caller, site_id: uuid.UUID) -> bool:
        """Return whether the caller's access would cover a site, should it exist."""
        return bool(await self._pool.fetchval(_COVERS_SITE, caller.subject_id, self._clock.today(), site_id))


def _includes(role: Role | None, least: Role) -> bool:
    return role is not None and role.includes(least)


def _things_of(contract: type) -> Iterator[IdInput]:
    for operation in signatures(contract).values():
        if operation.declared.permission is not None:
            yield from operation.things
