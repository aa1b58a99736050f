"""Run of the contest alone: ``python -m tests.benchmarks.contest [--rounds 10] [--only name,name]``."""

import argparse
import sys

from tests.benchmarks.contest.runner import run_contest


def main() -> int:
    """Run the contest; return the exit code, 1 if it has failures."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.contest")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", default="", help="contestants beside ours, separated by commas")
    options = parser.parse_args()
    return 1 if run_contest(options.rounds, [name for name in options.only.split(",") if name]) else 0


if __name__ == "__main__":
    sys.exit(main())
