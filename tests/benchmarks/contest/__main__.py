"""``python -m tests.benchmarks.contest [--rounds 10] [--only name,name]``: the contest alone."""

import argparse
import sys

from tests.benchmarks.contest.runner import run_contest


def main() -> int:
    """Run it; the exit code is 1 if something is not as the contest wants it."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.contest")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", default="", help="contestants beside ours, separated by commas")
    asked = parser.parse_args()
    return 1 if run_contest(asked.rounds, [name for name in asked.only.split(",") if name]) else 0


if __name__ == "__main__":
    sys.exit(main())
