"""`kierto status`: the running processes and their readiness."""

import json

import typer

from deploy.commands.options import HomeOption, home_from


def status(home: HomeOption = None) -> None:
    """Show the processes of this folder's stack; exit code 1 if none runs or one is not ready."""
    from rich.console import Console
    from rich.table import Table

    from deploy.local.lock import holder_of
    from deploy.local.ports import OFFSETS, Ports
    from deploy.local.readiness import responds_ok

    folder = home_from(home)
    holder = holder_of(folder)
    if holder is None or not folder.process_table.exists():
        typer.echo("Nothing runs in this folder.")
        raise typer.Exit(1)
    ports = Ports(holder.port_base)
    table = Table("Process", "Pid", "Port", "Metrics", "State", box=None)
    all_ready = True
    for name, pid in json.loads(folder.process_table.read_text(encoding="utf-8")).items():
        has_readiness = name not in ("postgres", "valkey", "kafka")
        ready = not has_readiness or responds_ok(f"{ports.url(name)}/readyz")
        all_ready = all_ready and ready
        metrics = str(ports.of(f"{name}-metrics")) if f"{name}-metrics" in OFFSETS else ""
        state = ("ready" if has_readiness else "runs") if ready else "not ready"
        table.add_row(name, str(pid), str(ports.of(name)), metrics, state)
    Console().print(table)
    if not all_ready:
        raise typer.Exit(1)
