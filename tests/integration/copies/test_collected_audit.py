"""The audit entries of every service reach identity by the broker, its own among them."""

from services.chassis.audit.entry import AuditEntry
from tests.integration.copies.services_fixture import SERVICES, ServicesFixture
from tests.support.polling import until


async def test_the_entries_of_all_services_are_collected(stopped_services: ServicesFixture) -> None:
    services = stopped_services
    async with services.run():
        for blueprint in SERVICES:
            async with services.harnesses[blueprint.name].work() as tx:
                tx.audit(AuditEntry(actor="host", action="READ", subject=f"{blueprint.name}_1"))
        identity = services.harnesses["identity"].pool

        async def collected() -> set[tuple[str, str]]:
            return {tuple(row) for row in await identity.fetch("SELECT service, subject FROM collected_audit")}

        expected = {(blueprint.name, f"{blueprint.name}_1") for blueprint in SERVICES}
        assert await until(collected, lambda found: len(found) == len(SERVICES)) == expected
