"""`kierto up`: run everything in the foreground."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from deploy.commands.options import HomeOption, PortBaseOption, home_from
from deploy.local.ports import DEFAULT_BASE


def up(
    home: HomeOption = None,
    port_base: PortBaseOption = DEFAULT_BASE,
    demo: Annotated[bool, typer.Option(help="Load the demonstration data at the first start.")] = True,
) -> None:
    """Run everything on embedded real parts; Ctrl-C stops it."""
    from deploy.local.addresses import SignIn, show_addresses
    from deploy.local.foreground import run_in_foreground
    from deploy.local.problem import StackProblem
    from deploy.local.signals import Signals
    from deploy.local.stack import Stack

    with Signals() as signals:
        try:
            stack = Stack(home_from(home).root, port_base, signals=signals)
        except StackProblem as problem:
            sys.exit(str(problem))
        sign_ins: list[SignIn] = []
        load_demo: Callable[[], None] | None = None

        def start() -> None:
            stack.start(after_ready=load_demo if demo else None)
            show_addresses(stack.environment, sign_ins)

        raise typer.Exit(run_in_foreground(stack, start))
