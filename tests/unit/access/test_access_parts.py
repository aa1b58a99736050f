"""Splitting access into parts and joining them: the grants are the same, and each part fits into an event."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access.access_parts import MAX_PART_SITES, join_access, split_access
from services.chassis.ids import new_uuid, write_id
from services.contracts.identity.events import AccessStated, Grant
from services.contracts.permission import Role, SubjectKind

LARGEST_EVENT = 256_000
GRANTS = st.lists(
    st.builds(
        Grant,
        organisation_id=st.sampled_from(["org_1", "org_2", None]),
        site_ids=st.none() | st.lists(st.sampled_from([f"site_{number}" for number in range(50)]), unique=True),
    ),
    max_size=30,
)


def stated(grants: list[Grant]) -> AccessStated:
    return AccessStated(subject_id="user_1", kind=SubjectKind.USER, version=3, active=True, scopes=[], grants=grants)


def rows(grants: list[Grant]) -> set[tuple[str | None, str | None]]:
    return {
        (one.organisation_id, site) for one in grants for site in ([None] if one.site_ids is None else one.site_ids)
    }


@given(GRANTS, st.integers(5, 60), st.randoms())
def test_parts_grant_together_what_the_whole_grants(grants: list[Grant], max_sites: int, random: Random) -> None:
    parts = split_access(stated(grants), max_sites)
    assert [(one.part, one.parts) for one in parts] == [(number + 1, len(parts)) for number in range(len(parts))]
    assert all(sum(4 + len(one.site_ids or ()) for one in part.grants) <= max_sites for part in parts)
    random.shuffle(parts)
    joined = join_access(parts)
    assert rows(joined.grants) == rows(grants)
    assert msgspec.structs.replace(joined, grants=[]) == stated([])


def test_small_access_is_one_event() -> None:
    whole = stated([Grant(organisation_id="org_1")])
    assert split_access(whole) == [whole]
    assert split_access(stated([])) == [stated([])]


@pytest.mark.parametrize("sites", [0, 2_000])
def test_each_part_of_a_property_managers_access_fits_into_an_event(sites: int) -> None:
    ids = [write_id("site", new_uuid()) for _ in range(sites)] or None
    grants = [
        Grant(organisation_id=write_id("org", new_uuid()), role=Role.EDITOR, billing=True, site_ids=ids)
        for _ in range(300 if sites else 3_000)
    ]
    parts = split_access(stated(grants))
    assert len(parts) > 1
    assert max(len(msgspec.json.encode(one)) for one in parts) < LARGEST_EVENT / 2
    assert MAX_PART_SITES == 2_000
