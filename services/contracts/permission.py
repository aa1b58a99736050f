"""Permissions: the callers of an operation, declared with it and checked before it runs.

The types of an operation's ids (``values.IdOf``) say which things it is about. A required id outside of lists is the
thing that a call is about: its caller must reach it, in the declared role. Other ids, of lists and filters, select
rows, which the queries of the operation restrict to those that the caller reaches.
"""

import enum

import msgspec


class SubjectKind(enum.Enum):
    """The kind of a token's subject."""

    USER = "USER"
    STAFF = "STAFF"
    PARTNER = "PARTNER"
    SERVICE = "SERVICE"


class Role(enum.Enum):
    """A member's role."""

    ADMIN = "ADMIN"
    """Everything, including members."""
    EDITOR = "EDITOR"
    """Reading, orders and changes."""
    VIEWER = "VIEWER"
    """Reading only."""

    def includes(self, other: "Role") -> bool:
        """Return whether this role may do everything that the other one may do."""
        order = list(Role)
        return order.index(self) <= order.index(other)


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """The callers who may call an operation."""

    kinds: frozenset[SubjectKind]
    """The kinds of the callers, without services that call with their own tokens."""
    scope: str | None = None
    """The scope that a partner needs (RFC 6749, section 3.3); None: none."""
    services: frozenset[str] = frozenset()
    """The names of the services that may call with their own tokens."""
    role: Role = Role.VIEWER
    """The least role of a member in the thing that the operation is about."""


def allow(
    *kinds: SubjectKind, scope: str | None = None, services: tuple[str, ...] = (), role: Role = Role.VIEWER
) -> Permission:
    """Return the permission of callers of these kinds, and of these services with their own tokens."""
    return Permission(kinds=frozenset(kinds), scope=scope, services=frozenset(services), role=role)


PEOPLE = allow(SubjectKind.USER, SubjectKind.STAFF)
STAFF = allow(SubjectKind.STAFF)
