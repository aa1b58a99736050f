"""Prints the schema (``python -m gateway.schema``), or writes it to a given path."""

import sys
from pathlib import Path

from gateway.schema.builder import build_schema


def schema_sdl() -> str:
    """Return the schema in the schema definition language, as in the snapshot."""
    return build_schema().as_str() + "\n"


if __name__ == "__main__":
    if len(sys.argv) == 2:
        Path(sys.argv[1]).write_text(schema_sdl(), encoding="utf-8")
    else:
        sys.stdout.write(schema_sdl())
