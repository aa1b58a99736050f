"""Prints the breaches of the graph's conventions in the committed schema; the exit code is 1 if there are any."""

import sys
from pathlib import Path

from graphql import build_schema

from tests.graph_rules import breaches

SCHEMA = Path(__file__).parents[2] / "gateway" / "schema.graphql"

if __name__ == "__main__":
    found = breaches(build_schema(SCHEMA.read_text(encoding="utf-8")))
    print("\n".join(found))
    sys.exit(1 if found else 0)
