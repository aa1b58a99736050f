"""``kierto up`` with workers of an older build, which does not know some event types.

A file ``older-build`` in the stack's folder names, line by line, a process and the type that it does not know
(``stats-worker orders.pickup.recorded``). A process reads it at its start, so a killed one
restarts as the build that the file names then.
"""

import os
from pathlib import Path

from deploy.local import services
from services.contracts import declare

FILE = "older-build"

_start = services._run


def _run(package: str, *arguments: str, module: str = "__main__") -> int:
    """Remove the unknown event types, in the child, then run the process's own main."""
    process = "-".join([package.rpartition(".")[2], *arguments])
    file = Path(os.environ["KIERTO_CLOCK_FILE"]).parent / FILE if "KIERTO_CLOCK_FILE" in os.environ else None
    if file is not None and file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            name, _, unknown = line.partition(" ")
            if name == process:
                declare._by_name.pop(unknown, None)
    return _start(package, *arguments, module=module)


services._run = _run


if __name__ == "__main__":
    from deploy.cli import main

    main()
