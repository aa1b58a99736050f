"""``make check``: format, lint, names, texts, types, imports and contracts in turn; all failures are shown.

``python -m tests.check --fast`` runs those that take a second, before a commit.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent

FAST: Sequence[tuple[str, Sequence[str]]] = (
    ("format", ("ruff", "format", "--check", "--quiet", ".")),
    ("lint", ("ruff", "check", "--quiet", "--output-format", "concise", ".")),
    ("names and sentences", ("python", "-m", "tests.names")),
    ("texts", ("python", "-m", "tests.texts")),
)
SLOW: Sequence[tuple[str, Sequence[str]]] = (
    ("types", ("mypy",)),
    ("imports", ("lint-imports", "--no-cache")),
    ("contracts and schema", ("python", "-m", "tests.snapshots")),
)


def main() -> int:
    """Run the checks; return the exit code, 1 if one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.check")
    parser.add_argument("--fast", action="store_true", help="only the checks that take a second")
    failed = []
    for name, (program, *arguments) in FAST if parser.parse_args().fast else (*FAST, *SLOW):
        done = subprocess.run([BIN / program, *arguments], cwd=ROOT, check=False, capture_output=True, text=True)
        print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {name}", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stdout, done.stderr, sep="", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
