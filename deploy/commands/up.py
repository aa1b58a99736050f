"""`kierto up`: run everything in the foreground."""

import sys
from typing import Annotated

import typer

from deploy.commands.options import HomeOption, PortBaseOption, home_from
from deploy.local.ports import DEFAULT_BASE


def up(
    home: HomeOption = None,
    port_base: PortBaseOption = DEFAULT_BASE,
    demo: Annotated[bool, typer.Option(help="Load the demonstration data at the first start.")] = True,
) -> None:
    """Run everything on embedded real servers; Ctrl-C stops it."""
    from deploy.local.addresses import show_addresses
    from deploy.local.demo.sign_ins import is_loaded, sign_ins
    from deploy.local.errors import StackError
    from deploy.local.foreground import run_in_foreground
    from deploy.local.playground import build_playground
    from deploy.local.signals import Signals
    from deploy.local.stack import Stack

    with Signals() as signals:
        try:
            stack = Stack(home_from(home).root, port_base, signals=signals)
        except StackError as problem:
            sys.exit(str(problem))

        def load_once() -> None:
            if not is_loaded(stack.home):
                from deploy.local.demo.load import load_demo

                typer.echo("Loading the demonstration data (once) ...", err=True)
                stack.run_in_child("demo", lambda: load_demo(stack.environment), {})

        def start() -> None:
            build_playground(signals)
            stack.start(after_ready=load_once if demo else None)
            show_addresses(stack.environment, sign_ins(stack.home))

        raise typer.Exit(run_in_foreground(stack, start))
