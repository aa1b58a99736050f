"""The ids in an operation's inputs: which things a call is about, and which rows it selects."""

from typing import Annotated, Any, Protocol

import pytest

from services.chassis.rpc.signature import signatures
from services.contracts.declare import public_write, read, write
from services.contracts.permission import PEOPLE, STAFF, Permission
from services.contracts.values import AgreementId, Batch, Id, OrderId, Refusal, SiteId, Value


class Visit(Value, frozen=True, kw_only=True):
    order_id: OrderId
    agreement_id: AgreementId | None = None


class About(Value, frozen=True, kw_only=True):
    agreement_id: AgreementId | None = None


class Command(Value, frozen=True, kw_only=True):
    site_id: SiteId
    agreement_id: AgreementId | None = None
    about: About | None = None
    visits: Annotated[list[Visit], Batch()] = []


class Contract(Protocol):
    @write(PEOPLE)
    async def change(self, command: Command, other_site_id: SiteId) -> int | Refusal: ...

    @read(PEOPLE)
    async def sites(self, ids: list[SiteId], agreement_id: AgreementId | None = None) -> list[int]: ...


def test_a_call_is_about_the_required_ids_outside_of_lists_and_those_that_a_command_names() -> None:
    operation = signatures(Contract)["change"]
    assert [(one.prefix, one.path) for one in operation.things] == [
        ("site", ("command", "siteId")),
        ("agreement", ("command", "agreementId")),
        ("site", ("otherSiteId",)),
    ]
    arguments = operation.arguments(command=Command(site_id="site_1"), other_site_id="site_2")
    assert [one.find(arguments) for one in operation.things] == ["site_1", None, "site_2"]
    command = Command(site_id="site_1", agreement_id="agreement_1")
    arguments = operation.arguments(command=command, other_site_id="site_2")
    assert [one.find(arguments) for one in operation.things] == ["site_1", "agreement_1", "site_2"]


def test_ids_in_lists_and_options_select_rows() -> None:
    change, sites = (signatures(Contract)[name] for name in ("change", "sites"))
    rows = [(one.path, one.is_list) for one in change.id_inputs if one not in change.things]
    assert rows == [
        (("command", "about", "agreementId"), False),
        (("command", "visits", "orderId"), False),
        (("command", "visits", "agreementId"), False),
    ]
    assert list(sites.things) == []
    assert [(one.path, one.is_list) for one in sites.id_inputs] == [(("ids",), True), (("agreementId",), False)]


def contract_with(method: Any) -> type:
    """Return a contract with one operation."""
    return type("OneOperation", (), {"operation": method})


def test_an_operation_about_a_thing_can_refuse() -> None:
    @read(PEOPLE)
    async def site(self: Any, id: SiteId) -> int:
        return 1

    with pytest.raises(TypeError, match="must be able to refuse"):
        signatures(contract_with(site))


@pytest.mark.parametrize(("permission", "refused"), [(PEOPLE, True), (STAFF, False)])
def test_an_id_without_a_type_is_for_callers_who_reach_everything(permission: Permission, *, refused: bool) -> None:
    @read(permission)
    async def things(self: Any, ids: list[Id]) -> list[int]:
        return []

    if refused:
        with pytest.raises(TypeError, match="without a type"):
            signatures(contract_with(things))
    else:
        assert "operation" in signatures(contract_with(things))


def test_a_public_operation_takes_any_id() -> None:
    @public_write
    async def sign_in(self: Any, client_id: Id) -> int:
        return 1

    assert "operation" in signatures(contract_with(sign_in))
