"""`kierto down`: stop the stack of a folder."""

import os
import signal

import typer

from deploy.commands.options import HomeOption, home_from

_STOP_TIMEOUT_S = 90


def down(home: HomeOption = None) -> None:
    """Stop what `kierto up` started in this folder."""
    from deploy.local.lock import holder_of, wait_until_free

    folder = home_from(home)
    holder = holder_of(folder)
    if holder is None:
        typer.echo("Nothing runs in this folder.")
        return
    os.kill(holder.pid, signal.SIGTERM)
    if not wait_until_free(folder, _STOP_TIMEOUT_S):
        typer.echo(
            f"The stack (pid {holder.pid}) did not stop within {_STOP_TIMEOUT_S} s. Its logs: {folder.logs}", err=True
        )
        raise typer.Exit(1)
    typer.echo("Stopped.")
