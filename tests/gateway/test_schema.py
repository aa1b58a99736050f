"""The schema: its snapshot, its joined fields and its numbers."""

from pathlib import Path

from gateway.execution.planning.batch_resolver import BATCH_RESOLVER, BatchResolver
from gateway.schema.__main__ import schema_sdl
from gateway.schema.builder import build_schema
from services.contracts.orders.agreements import Agreement
from services.contracts.sites import Site

SNAPSHOT = Path(__file__).parents[2] / "gateway" / "schema.graphql"


def test_the_snapshot_is_current() -> None:
    assert SNAPSHOT.read_text(encoding="utf-8") == schema_sdl(), (
        "the schema changed: python -m gateway.schema gateway/schema.graphql"
    )


def test_batch_fields_declare_their_parent_and_arguments() -> None:
    field = build_schema().get_field_for_type("agreements", "Site")
    assert field is not None
    declared = field.metadata[BATCH_RESOLVER]
    assert isinstance(declared, BatchResolver)
    assert declared.parent is Site
    assert declared.arguments == ("first", "after", "last", "before", "filter", "order", "updated_after")
    assert not declared.takes_selected_fields
    joined = build_schema().get_field_for_type("site", "Agreement")
    assert joined is not None
    assert joined.metadata[BATCH_RESOLVER].parent is Agreement
    assert joined.metadata[BATCH_RESOLVER].takes_selected_fields


def test_64_bit_numbers_are_longs() -> None:
    text = schema_sdl()
    for line in ("grams: Long!", "grams: Long", "minor: Long!", "sequence: Long!", "previousGrams: Long!"):
        assert f"  {line}\n" in text
