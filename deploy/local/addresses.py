"""Where everything is and how to sign in, as a table for the person who started it."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from rich.console import Console
from rich.table import Table

from deploy.local.environment import StackEnvironment
from deploy.local.secrets import SERVICES


@dataclass(frozen=True)
class DemoAccount:
    """Someone of the demonstration data."""

    who: str
    name: str
    """E-mail address or client id."""
    password: str


def show_addresses(environment: StackEnvironment, sign_ins: Sequence[DemoAccount] = ()) -> None:
    """Print the table. Passwords of databases are left out; they lie in the secrets folder."""
    console = Console(width=200)  # an address is copied whole, so the terminal may wrap it, not we
    table = Table(box=None, show_header=False, title="Kierto is ready", title_justify="left", title_style="bold green")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    for what, where in addresses(environment):
        table.add_row(what, where)
    console.print(table)
    if sign_ins:
        people = Table("Who", "Name", "Password", box=None, title="Sign in as", title_justify="left")
        for one in sign_ins:
            people.add_row(one.who, one.name, one.password)
        console.print(people)
    console.print("Ctrl-C stops everything; the data is kept.")


def addresses(environment: StackEnvironment) -> list[tuple[str, str]]:
    """What and where."""
    ports, home = environment.ports, environment.home
    rows = [("GraphQL", f"{ports.url('gateway')}/graphql")]
    if environment.embeds("mailbox"):
        rows.append(("Mailbox", f"{ports.url('mailbox')}/"))
    rows += [(f"{service.capitalize()} API", f"{ports.url(f'{service}-api')}/openapi.json") for service in SERVICES]
    rows.append(("Metrics", f"{ports.url('gateway-metrics')}/metrics (of the others: kierto status)"))
    rows += [(f"{service.capitalize()} database", _open(environment.database_url(service))) for service in SERVICES]
    return [
        *rows,
        ("Kafka", environment.kafka),
        ("Valkey", _open(environment.redis_url)),
        ("SMTP", environment.smtp),
        ("Logs", str(home.logs)),
        ("Secrets", str(home.secrets)),
    ]


def _open(url: str) -> str:
    """The URL without its password."""
    parts = urlsplit(url)
    name, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{name.partition(':')[0]}{at}{host}"))
