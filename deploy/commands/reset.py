"""`kierto reset`: stop the stack of a folder and delete its data."""

import sys
from typing import Annotated

import typer

from deploy.commands.down import down
from deploy.commands.options import HomeOption, home_from


def reset(
    home: HomeOption = None, yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False
) -> None:
    """Stop, and delete all data of this folder's stack."""
    from deploy.local.stack import delete_data

    folder = home_from(home)
    if not folder.root.exists():
        typer.echo("There is nothing to delete.")
        return
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Delete all data of the stack in {folder.root}?", abort=True)
    down(home)
    delete_data(folder)
    typer.echo(f"All data of the stack in {folder.root} is deleted.")
