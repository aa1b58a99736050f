"""The program of a child process with limits: it sets them, and runs another program within them.

``python -I limited_program.py MEMORY_BYTES CPU_S FILE_BYTES PROGRAM ARGUMENT...``. It imports nothing of Kierto, and
neither does the program that it runs. Its exit code is the program's, ``OUT_OF_MEMORY``, or that of a signal.
"""

import resource
import runpy
import sys
from collections.abc import Sequence

OUT_OF_MEMORY = 9


def main(arguments: Sequence[str]) -> int:
    """Run the program within limits of address space, CPU time and the size of each file that it writes."""
    memory, cpu_s, file_bytes = map(int, arguments[:3])
    if sys.platform == "linux":  # macOS refuses it
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.argv = list(arguments[3:])
    try:
        runpy.run_path(arguments[3], run_name="__main__")
    except MemoryError:
        return OUT_OF_MEMORY
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
