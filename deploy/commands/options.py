"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.local.paths import USUAL_HOME, Home

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="The stack's folder.", envvar="KIERTO_HOME", show_default=".kierto in the clone"),
]

PortBaseOption = Annotated[
    int,
    typer.Option("--port-base", help="Ports from here on are used.", envvar="KIERTO_PORT_BASE"),
]


def home_from(option: Path | None) -> Home:
    return Home((option or USUAL_HOME).resolve())
