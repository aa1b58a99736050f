"""Access that is too large for one event: stated in numbered parts of one version, which take effect when complete."""

from collections.abc import Iterable, Iterator

import msgspec

from services.contracts.identity import AccessStated, Grant

MAX_PART_SITES = 2_000
"""Sites of a part at most: some 70 kB of JSON, where an event may have 256 kB. A grant weighs as much as four sites."""
_GRANT_WEIGHT = 4


def split_access(stated: AccessStated, largest: int = MAX_PART_SITES) -> list[AccessStated]:
    """Return the parts of a subject's access, in their order; the whole, where it is small enough."""
    parts: list[list[Grant]] = [[]]
    room = largest
    for grant in _split_large_grants(stated.grants, largest - _GRANT_WEIGHT):
        weight = _GRANT_WEIGHT + len(grant.site_ids or ())
        if weight > room and parts[-1]:
            parts.append([])
            room = largest
        parts[-1].append(grant)
        room -= weight
    return [
        msgspec.structs.replace(stated, grants=grants, part=number, parts=len(parts))
        for number, grants in enumerate(parts, 1)
    ]


def join_access(parts: Iterable[AccessStated]) -> AccessStated:
    """Return the whole access of all parts of one version."""
    first, *others = sorted(parts, key=lambda one: one.part)
    grants = [grant for one in (first, *others) for grant in one.grants]
    return msgspec.structs.replace(first, grants=grants, part=1, parts=1)


def _split_large_grants(grants: Iterable[Grant], most_sites: int) -> Iterator[Grant]:
    """Go through grants, those of very many sites in pieces: together they grant the same."""
    for grant in grants:
        sites = grant.site_ids
        if sites is None or len(sites) <= most_sites:
            yield grant
        else:
            for start in range(0, len(sites), most_sites):
                yield msgspec.structs.replace(grant, site_ids=sites[start : start + most_sites])
