"""Options that several commands have."""

import os
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.paths import DEFAULT_HOME, Home
from deploy.local.secrets import SERVICES

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="The stack's folder.", envvar="KIERTO_HOME", show_default=".kierto in the clone"),
]

PortBaseOption = Annotated[
    int,
    typer.Option("--port-base", help="Ports from here on are used.", envvar="KIERTO_PORT_BASE"),
]


def home_from(option: Path | None) -> Home:
    return Home((option or DEFAULT_HOME).resolve())


def password_from(*, new: bool = False) -> str:
    """Return the password, from KIERTO_PASSWORD or from a prompt; a ``new`` one is prompted for twice."""
    typed: str = os.environ.get("KIERTO_PASSWORD") or typer.prompt("Password", hide_input=True, confirmation_prompt=new)
    return typed


def known_service(name: str) -> None:
    """End with 2 unless the service exists."""
    if name not in SERVICES:
        raise typer.BadParameter(f"{name} is no service. There are {', '.join(SERVICES)}.")
