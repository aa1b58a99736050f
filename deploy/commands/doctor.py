"""`kierto doctor`: report what this machine has and what is missing."""

import typer

from deploy.commands.options import HomeOption, PortBaseOption, home_from
from deploy.local.ports import DEFAULT_BASE


def doctor(home: HomeOption = None, port_base: PortBaseOption = DEFAULT_BASE) -> None:
    """Report what this machine has and what is missing; exit code 1 if something is."""
    from deploy.local.checks import run_checks
    from deploy.local.ports import Ports
    from services.chassis.runtime.clock import read_offset

    folder = home_from(home)
    all_ok = True
    for finding in run_checks(folder, Ports(port_base)):
        all_ok = all_ok and finding.ok
        typer.echo(f"{'ok ' if finding.ok else 'BAD'}  {finding.subject:<11} {finding.message}")
    if offset := read_offset(folder.clock):
        typer.echo(f"     Clock       moved by {offset}; `kierto clock reset` takes it back")
    typer.echo("All is fine." if all_ok else "Something is missing; see the lines marked BAD.")
    raise typer.Exit(0 if all_ok else 1)
