"""`kierto staff`: creation of the operator's users on the host (I17)."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.options import HomeOption, home_from, password_from

if TYPE_CHECKING:
    from services.contracts.values import Problem

app = typer.Typer(help="The operator's own people.", no_args_is_help=True)


@app.callback()
def staff() -> None:
    """The operator's own people."""


@app.command()
def create(
    username: Annotated[str, typer.Argument(help="An e-mail address or any memorable name.")],
    email: Annotated[str, typer.Option(help="Where mail for this person goes.", prompt=True)],
    language: Annotated[str, typer.Option(help="fi, sv, nb or en")] = "fi",
    home: HomeOption = None,
) -> None:
    """Make a staff user. The password is prompted for, or read from KIERTO_PASSWORD."""
    password = password_from(new=True)
    messages = asyncio.run(_create(home_from(home).root, username, email, password, language))
    for message in messages:
        typer.echo(message, err=True)
    if messages:
        raise typer.Exit(1)
    typer.echo(f"{username} can sign in.")


async def _create(home: Path, username: str, email: str, password: str, language: str) -> list[str]:
    from deploy.local.detached_service import settings_of
    from services.contracts.identity.people import Language
    from services.contracts.values import Refusal
    from services.identity.commands import create_staff
    from services.identity.settings import IdentitySettings

    try:
        chosen = Language(language)
    except ValueError:
        return [f"{language} is none of fi, sv, nb, en."]
    settings = settings_of(IdentitySettings, "identity", home)
    created = await create_staff(
        settings.database_url,
        settings.clock_file,
        username=username,
        email=email,
        password=password,
        language=chosen,
    )
    return list(map(_sentence, created.problems)) if isinstance(created, Refusal) else []


def _sentence(problem: "Problem") -> str:
    """Return a problem's message, in English as all output of the host's commands."""
    from gateway import messages as catalogue
    from services.contracts.identity.people import Language

    text = catalogue.text(problem.code, Language.EN, problem.params)
    return f"{'.'.join(problem.path)}: {text}" if problem.path else text
