"""Compilation of the load and the canned services, two small programs in C, once until their source changes."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.local.paths import DEFAULT_HOME

SCRATCH = DEFAULT_HOME / "contest"
"""Folder of builds, installations and logs; git ignores it."""

_SOURCES = Path(__file__).parent / "native"


class MissingTool(Exception):
    """Lack of a tool that a part of the contest needs; the text is its name."""


def compile_program(name: str) -> Path:
    """Compile a program and return its path; raise MissingTool without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise MissingTool("cc (a C compiler)")
    source = _SOURCES / f"{name}.c"
    program = SCRATCH / "native" / f"{name}-{hashlib.sha256(source.read_bytes()).hexdigest()[:16]}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        # Several processes may compile it at once: none runs a file that another still writes.
        with tempfile.TemporaryDirectory(dir=program.parent) as folder:
            made = Path(folder) / name
            subprocess.run([compiler, "-O2", "-o", made, source], check=True)
            made.replace(program)
    return program
