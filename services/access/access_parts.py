"""Access that is too large for one event: stated in numbered parts of one version, applied when complete."""

from collections.abc import Iterable, Iterator

import msgspec

from services.contracts.identity.events import AccessStated, Grant

MAX_PART_SITES = 2_000
"""The largest part in sites: some 70 kB of JSON, where an event may have 256 kB. A grant counts as four sites."""
_GRANT_WEIGHT = 4


def split_access(stated: AccessStated, max_sites: int = MAX_PART_SITES) -> list[AccessStated]:
    """Return the parts of a subject's access in their order: one, where it is small enough."""
    parts: list[list[Grant]] = [[]]
    remaining = max_sites
    for grant in _split_large_grants(stated.grants, max_sites - _GRANT_WEIGHT):
        weight = _GRANT_WEIGHT + len(grant.site_ids or ())
        if weight > remaining and parts[-1]:
            parts.append([])
            remaining = max_sites
        parts[-1].append(grant)
        remaining -= weight
    return [
        msgspec.structs.replace(stated, grants=grants, part=number, parts=len(parts))
        for number, grants in enumerate(parts, 1)
    ]


def join_access(parts: Iterable[AccessStated]) -> AccessStated:
    """Return the whole access of all parts of one version."""
    first, *others = sorted(parts, key=lambda part: part.part)
    grants = [grant for part in (first, *others) for grant in part.grants]
    return msgspec.structs.replace(first, grants=grants, part=1, parts=1)


def _split_large_grants(grants: Iterable[Grant], max_sites: int) -> Iterator[Grant]:
    """Yield grants, those of too many sites in several: together they grant the same."""
    for grant in grants:
        sites = grant.site_ids
        if sites is None or len(sites) <= max_sites:
            yield grant
        else:
            for start in range(0, len(sites), max_sites):
                yield msgspec.structs.replace(grant, site_ids=sites[start : start + max_sites])
