"""The `kierto` command: one file a command or group of commands under `deploy/commands/`."""

import sys

import typer

from deploy.commands import (
    announce,
    audit,
    clock,
    dead_letters,
    doctor,
    documents,
    down,
    import_export,
    jobs,
    keys,
    rebuild,
    reset,
    seed,
    staff,
    status,
    up,
)
from deploy.local.errors import StackError

app = typer.Typer(
    name="kierto",
    help="Kierto on this machine: run it, look at it, stop it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command("up")(up.up)
app.command("down")(down.down)
app.command("reset")(reset.reset)
app.command("status")(status.status)
app.command("doctor")(doctor.doctor)
app.command("import")(import_export.import_export)
app.command("announce")(announce.announce)
app.command("rebuild")(rebuild.rebuild)
app.command("seed")(seed.seed)
app.command("documents")(documents.documents)
app.add_typer(staff.app, name="staff")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(jobs.app, name="jobs")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(clock.app, name="clock")


def main() -> None:
    """Run the command; print a StackError as a sentence, without a traceback."""
    try:
        app(prog_name="kierto")
    except StackError as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
