"""The load and the services by heart: two small programs in C, made once and kept until their source changes."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from deploy.local.paths import DEFAULT_HOME

SCRATCH = DEFAULT_HOME / "contest"
"""What is built, installed and logged; git does not see it."""

_SOURCES = Path(__file__).parent / "native"


class MissingTool(Exception):
    """The machine lacks what a part of the contest needs; the text is its name."""


def compile_program(name: str) -> Path:
    """The program of a source; Missing without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise MissingTool("cc (a C compiler)")
    source = _SOURCES / f"{name}.c"
    program = SCRATCH / "native" / f"{name}-{hashlib.sha256(source.read_bytes()).hexdigest()[:16]}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([compiler, "-O2", "-o", program, source], check=True)
    return program
