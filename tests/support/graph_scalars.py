"""Values of the graph's own scalars, for generated operations."""

import datetime as dt

from graphql import ValueNode
from hypothesis import strategies as st
from hypothesis_graphql import nodes

_DAYS = st.dates(dt.date(2026, 1, 1), dt.date(2026, 12, 31)).map(dt.date.isoformat)
SCALARS: dict[str, st.SearchStrategy[ValueNode]] = {
    "Date": _DAYS.map(nodes.String),
    "DateTime": _DAYS.map(lambda day: f"{day}T08:00:00Z").map(nodes.String),
    "EmailAddress": st.sampled_from(["aino@example.fi", "no address"]).map(nodes.String),
    "Long": st.integers(-(2**40), 2**40).map(nodes.Int),
    "PhoneNumber": st.sampled_from(["+358401234567", "no number"]).map(nodes.String),
}
"""Strategies of literals by the scalar's name."""
