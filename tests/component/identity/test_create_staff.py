"""I17: the first staff user is made on the host."""

from pathlib import Path

from services.contracts.identity import AccessStated, Grant, Language, Role, SubjectKind
from services.contracts.values import Refusal
from services.identity.app import IDENTITY
from services.identity.host import create_staff
from tests.component.identity.steps import PASSWORD, Bench, caller_of, claims, codes, signed_in
from tests.support.fixtures import MakeDatabase


async def make(url: str, clock_file: Path, **different: str) -> str | Refusal:
    values = {"username": "ylläpito", "email": "staff@example.com", "password": PASSWORD} | different
    return await create_staff(url, clock_file, **values, language=Language.SV)


async def test_staff_reach_everything_and_are_announced(
    bench: Bench, make_database: MakeDatabase, tmp_path: Path
) -> None:
    url = await bench.pool.fetchval("SELECT current_database()")
    server = (await make_database(IDENTITY)).rpartition("/")[0]
    user_id = await make(f"{server}/{url}", tmp_path / "clock")
    assert isinstance(user_id, str)
    (stated,) = await bench.announced(AccessStated)
    assert (stated.subject_id, stated.kind) == (user_id, SubjectKind.STAFF)
    assert stated.grants == [Grant(organisation_id=None, role=Role.ADMIN, billing=True)]

    session = await signed_in(bench, "Ylläpito")
    assert (await claims(bench, session.access_token)).kind == "STAFF"
    me = await bench.offering(await caller_of(bench, session.access_token)).me()
    assert me is not None
    assert (me.staff, me.language, me.memberships) == (True, Language.SV, [])
    assert await bench.pool.fetchval("SELECT action FROM audit WHERE subject = $1", user_id) == "STAFF_CREATED"


async def test_the_same_name_again_is_said_and_what_is_wrong_is_named(
    make_database: MakeDatabase, tmp_path: Path
) -> None:
    url = await make_database(IDENTITY)
    assert isinstance(await make(url, tmp_path / "clock"), str)
    again = await make(url, tmp_path / "clock", username="YLLÄPITO")
    assert isinstance(again, Refusal)
    assert codes(again) == [("USERNAME_TAKEN", "username")]
    wrong = await make(url, tmp_path / "clock", username="y", email="y", password="salasana2026")
    assert isinstance(wrong, Refusal)
    assert codes(wrong) == [("MALFORMED", "username"), ("MALFORMED", "email"), ("WEAK_PASSWORD", "password")]
