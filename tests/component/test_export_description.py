"""`kierto import --describe` knows the files that the services import."""

from types import SimpleNamespace
from typing import Any

from typer.testing import CliRunner

from deploy.cli import app
from deploy.export_columns import FILES
from deploy.export_upload import KINDS
from services.identity.settings import IdentitySettings
from tests.component.identity.conftest import settings
from tests.integration.copies.services_fixture import SERVICES

__all__ = ["settings"]


def test_every_kind_is_described_with_its_own_row_and_key(settings: IdentitySettings) -> None:
    runtime: Any = SimpleNamespace(settings=settings)
    kinds = [kind for blueprint in SERVICES for kind in blueprint.imports(runtime)]
    assert {kind.name: (kind.row, kind.key) for kind in kinds} == {
        kind: (file.row, file.key) for kind, file in FILES.items()
    }
    assert set(KINDS) == set(FILES)


def test_the_command_shows_files_and_columns_without_a_stack_or_a_user() -> None:
    result = CliRunner().invoke(app, ["import", "--describe"])
    assert result.exit_code == 0, result.output
    assert "sites.csv: a row for each site_number\n  site_number" in result.output
    assert "agreement_number\n  first_pickup is the cadence's first day.\n" in result.output
    lines = {" ".join(line.split()) for line in result.output.splitlines()}
    assert {
        "property_type required one of BUSINESS, HOUSE, HOUSING_COMPANY, LEISURE",
        "dwellings required a whole number, 0 to 10000",
        "postal_code required text such as 46860",
        "contact_name optional text of at most 200 characters",
        "changed_at optional an instant with its offset (RFC 3339)",
        "first_pickup required a day, YYYY-MM-DD",
    } <= lines
