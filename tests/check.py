"""``make check``: format, lint, names, texts, wheels, types, imports, contracts and the graph; all failures are shown.

``python -m tests.check --fast`` runs those that take a second, before a commit.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent

FAST: Sequence[tuple[str, Sequence[str]]] = (
    ("format", ("ruff", "format", "--check", "--quiet", ".")),
    ("lint", ("ruff", "check", "--quiet", "--output-format", "concise", ".")),
    ("names and sentences", ("python", "-m", "tests.names")),
    ("texts", ("python", "-m", "tests.texts")),
    ("wheels of the lock file", ("python", "-m", "tests.wheels")),
)
SLOW: Sequence[tuple[str, Sequence[str]]] = (
    ("types for Python 3.11", ("mypy", "--python-version", "3.11")),
    ("types for Python 3.14", ("mypy", "--python-version", "3.14")),
    ("imports", ("lint-imports", "--no-cache")),
    ("contracts and schema", ("python", "-m", "tests.snapshots")),
    ("conventions of the graph", ("python", "-m", "tests.graph_rules")),
)


def main() -> int:
    """Run the checks, as many at a time as there are cores; return the exit code, 1 if one failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.check")
    parser.add_argument("--fast", action="store_true", help="only the checks that take a second")
    checks = FAST if parser.parse_args().fast else (*FAST, *SLOW)
    failed = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for (name, _), done in zip(checks, pool.map(_run, (command for _, command in checks)), strict=True):
            print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {name}", flush=True)
            if done.returncode:
                failed.append(name)
                print(done.stdout, done.stderr, sep="", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    program, *arguments = command
    return subprocess.run([BIN / program, *arguments], cwd=ROOT, check=False, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main())
