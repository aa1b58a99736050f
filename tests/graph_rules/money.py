"""An amount of money is Money: net, gross, its currency and its VAT."""

import re
from collections.abc import Iterator

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type

FIELDS = {"minor": "Long!", "currency": "String!", "vatRate": "Int!", "gross": "Long!"}
_AMOUNT = re.compile(r"(?i)(price|amount|fee|cost|surcharge|total)$")
_COUNTS = ("Import.total", "BulkProgress.total")
"""Fields that an amount could be called like, and that count things."""


def money(schema: GraphQLSchema) -> Iterator[str]:
    """Yield the fields of Money that are not as they should be, and the amounts that are no Money."""
    for name, kind in schema.type_map.items():
        if not isinstance(kind, GraphQLObjectType) or name.startswith("__"):
            continue
        if name == "Money":
            present = {field: str(of.type) for field, of in kind.fields.items()}
            if present != FIELDS:
                yield f"Money has {present}"
            continue
        for field, of in kind.fields.items():
            place = f"{name}.{field}"
            if _AMOUNT.search(field) and place not in _COUNTS and get_named_type(of.type).name != "Money":
                yield f"{place} is an amount, and no Money"
