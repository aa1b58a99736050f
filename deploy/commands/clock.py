"""`kierto clock`: move the stack's time, to see now the events of days to come."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import typer

from deploy.commands.options import HomeOption, home_from
from deploy.local.files import write_atomically
from deploy.local.paths import Home

app = typer.Typer(help="Look at the stack's clock and move it (for development and tests).", no_args_is_help=True)

_ZONE = ZoneInfo("Europe/Helsinki")
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = re.compile(r"(?:\d+[wdhms])+")


@app.command()
def show(home: HomeOption = None) -> None:
    """Show the stack's time and how far it is from the machine's."""
    _show(home_from(home))


@app.command("set")
def set_to(moment: str, home: HomeOption = None) -> None:
    """Set the clock to an ISO 8601 time such as 2026-03-02T08:00; without an offset it is Finnish time."""
    try:
        wanted = datetime.fromisoformat(moment)
    except ValueError:
        raise typer.BadParameter(f"{moment!r} is not a time such as 2026-03-02T08:00 or 2026-03-02T06:00Z.") from None
    if wanted.tzinfo is None:
        wanted = wanted.replace(tzinfo=_ZONE)
    _move(home_from(home), wanted - datetime.now(UTC))


@app.command()
def advance(duration: str, home: HomeOption = None) -> None:
    """Move the clock on by a duration such as 90s, 15m, 6h, 3d, 2w or 1d12h."""
    from services.chassis.runtime.clock import read_offset

    folder = home_from(home)
    _move(folder, read_offset(folder.clock) + parse_duration(duration))


@app.command()
def reset(home: HomeOption = None) -> None:
    """Go back to the machine's time."""
    folder = home_from(home)
    folder.clock.unlink(missing_ok=True)
    _show(folder)


def parse_duration(text: str) -> timedelta:
    """Parse a duration such as `1d12h`."""
    if not _DURATION.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is not a duration such as 90s, 15m, 6h, 3d, 2w or 1d12h.")
    return sum(
        (timedelta(**{_UNITS[unit]: int(number)}) for number, unit in re.findall(r"(\d+)([wdhms])", text)), timedelta()
    )


def _move(home: Home, offset: timedelta) -> None:
    home.make()
    write_atomically(home.clock, f"{offset.total_seconds():.3f}\n")
    _show(home)


def _show(home: Home) -> None:
    from services.chassis.runtime.clock import read_offset

    offset = read_offset(home.clock)
    now = (datetime.now(UTC) + offset).astimezone(_ZONE)
    ahead = (
        f"{abs(offset)} {'ahead of' if offset > timedelta() else 'behind'} the machine" if offset else "the machine's"
    )
    typer.echo(f"{now:%Y-%m-%d %H:%M:%S} {now:%Z} ({ahead})")
