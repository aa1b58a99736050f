"""Every column that may hold text is declared: it has personal data, or it has none."""

from typing import Any

import pytest

from services.chassis.db.sensitive import erase_person, export_person
from services.chassis.ids import new_uuid, write_id
from services.hosting.blueprint import Blueprint
from services.support.app import SUPPORT
from tests.component.personal_data.declarations import SERVICES, problems
from tests.support.fixtures import MakeHarness
from tests.support.owner import execute_as_owner, owner_of


@pytest.mark.parametrize("blueprint", SERVICES, ids=lambda one: one.name)
async def test_every_column_of_text_is_declared_once(
    blueprint: Blueprint[Any, Any], make_harness: MakeHarness[Any, Any]
) -> None:
    harness = await make_harness(blueprint)
    assert await problems(harness.pool, blueprint) == []
    async with owner_of(harness.pool) as owner, owner.transaction():
        for prefix in ("user", "org"):
            person = write_id(prefix, new_uuid())
            await erase_person(owner, blueprint.all_sensitive, person)
            assert await export_person(owner, blueprint.all_sensitive, person) == {}


async def test_a_new_column_and_a_wrong_declaration_are_found(make_harness: MakeHarness[Any, Any]) -> None:
    harness = await make_harness(SUPPORT)
    added = "ALTER TABLE tickets ADD note text, ADD notes jsonb, ADD marks bytea[], ADD size integer"
    await execute_as_owner(harness.pool, f"{added}; ALTER TABLE ticket_contacts RENAME phone TO telephone")
    assert await problems(harness.pool, SUPPORT) == [
        "ticket_contacts.telephone is declared neither as sensitive nor as plain",
        "tickets.marks is declared neither as sensitive nor as plain",
        "tickets.note is declared neither as sensitive nor as plain",
        "tickets.notes is declared neither as sensitive nor as plain",
        "ticket_contacts.phone is declared, but there is no such column of text",
    ]
