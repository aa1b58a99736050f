"""Description of an ERP export: its files and their columns."""

import re
from collections.abc import Mapping
from inspect import cleandoc

import msgspec

from deploy.export_upload import KINDS
from services.chassis.imports.row_reader import describe_columns
from services.identity.usecases.import_organisations import OrganisationRow
from services.orders.domain.holidays import HolidayRecord
from services.orders.domain.price import ArticlePrice
from services.orders.domain.routes import Route
from services.orders.domain.rules import Rule
from services.orders.usecases.import_agreements import AgreementRow
from services.orders.usecases.import_pickups import PickupRow
from services.sites.usecases.import_containers import ContainerRow
from services.sites.usecases.import_sites import SiteRow
from services.stats.usecases.import_invoices import InvoiceRow


class ExportFile(msgspec.Struct, frozen=True):
    """A file of an export."""

    row: type[msgspec.Struct]
    key: tuple[str, ...]
    """The columns of which no two rows have the same values."""


FILES: Mapping[str, ExportFile] = {
    "organisations": ExportFile(OrganisationRow, ("customer_number",)),
    "invoices": ExportFile(InvoiceRow, ("invoice_number",)),
    "sites": ExportFile(SiteRow, ("site_number",)),
    "containers": ExportFile(ContainerRow, ("container_number",)),
    "articles": ExportFile(ArticlePrice, ("article_number", "valid_from")),
    "routes": ExportFile(Route, ("route_number",)),
    "holidays": ExportFile(HolidayRecord, ("date", "country")),
    "rules": ExportFile(Rule, ("rule_number",)),
    "agreements": ExportFile(AgreementRow, ("agreement_number",)),
    "pickups": ExportFile(PickupRow, ("pickup_number",)),
}


_NAMING_SENTENCE = re.compile(r"^[^.]*\.csv``\.\s*")
_FORMAT = """\
CSV in UTF-8, its cells separated by commas or semicolons. The first line names the columns, in any order; optional ones
may be left out, and their cells may be empty. Files of an export, in the order of their import:"""


def describe_files() -> str:
    """Return a text with the format, and each file, in the order of import, with its columns."""
    return "\n\n".join([_FORMAT, *(_describe(kind, FILES[kind]) for kind in KINDS)])


def _describe(kind: str, file: ExportFile) -> str:
    columns = describe_columns(file.row)
    width = max(len(column.name) for column in columns)
    lines = [f"{kind}.csv: a row for each {' and '.join(file.key)}", *_notes(file.row)]
    lines += [
        f"  {column.name:{width}}  {'required' if column.required else 'optional'}  {column.form}" for column in columns
    ]
    return "\n".join(lines)


def _notes(row: type[msgspec.Struct]) -> list[str]:
    """Return the lines of a row's docstring after the sentence that names its file."""
    text = _NAMING_SENTENCE.sub("", cleandoc(row.__doc__ or ""))
    return [f"  {line}" for line in text.replace("``", "").splitlines()]
