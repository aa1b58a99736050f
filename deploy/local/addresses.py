"""Table of addresses and sign-ins for the person who started the stack."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from rich.console import Console
from rich.table import Table

from deploy.local.environment import StackEnvironment
from deploy.local.secrets import SERVICES


@dataclass(frozen=True)
class DemoAccount:
    """A person or partner of the demonstration data."""

    who: str
    name: str
    """E-mail address or client id."""
    password: str


def show_addresses(environment: StackEnvironment, sign_ins: Sequence[DemoAccount] = ()) -> None:
    """Print the table. Passwords of databases are left out; they lie in the secrets folder."""
    console = Console(width=200)  # rich would break a long address; the terminal wraps it without a line break
    table = Table(box=None, show_header=False, title="Kierto is ready", title_justify="left", title_style="bold green")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    for name, address in addresses(environment):
        table.add_row(name, address)
    console.print(table)
    if sign_ins:
        people = Table("Who", "Name", "Password", box=None, title="Sign in as", title_justify="left")
        for account in sign_ins:
            people.add_row(account.who, account.name, account.password)
        console.print(people)
    console.print("Ctrl-C stops everything; the data is kept.")


def addresses(environment: StackEnvironment) -> list[tuple[str, str]]:
    """List the names and addresses of the stack's parts."""
    ports, home = environment.ports, environment.home
    rows = [("GraphQL", f"{ports.url('gateway')}/graphql")]
    if environment.embeds("mailbox"):
        rows.append(("Mailbox", f"{ports.url('mailbox')}/"))
    rows += [(f"{service.capitalize()} API", f"{ports.url(f'{service}-api')}/openapi.json") for service in SERVICES]
    rows.append(("Metrics", f"{ports.url('gateway-metrics')}/metrics (of the others: kierto status)"))
    rows += [
        (f"{service.capitalize()} database", _without_password(environment.database_url(service)))
        for service in SERVICES
    ]
    return [
        *rows,
        ("Kafka", environment.kafka),
        ("Valkey", _without_password(environment.redis_url)),
        ("SMTP", environment.smtp),
        ("Logs", str(home.logs)),
        ("Secrets", str(home.secrets)),
    ]


def _without_password(url: str) -> str:
    """Return the URL without its password."""
    parts = urlsplit(url)
    name, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{name.partition(':')[0]}{at}{host}"))
