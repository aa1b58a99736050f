"""Loader of the demonstration data: a staff user, the export, a partner each for planning and driving, a customer.

It uses the public interfaces: the host command's use case, the import resource, the graph. The values that it generates
(the passwords, the Monday that dates are counted from) are saved first, so that an interrupted load goes on with them.
"""

import asyncio
import datetime as dt
import json
import re
import secrets
from pathlib import Path

import aiohttp

from deploy.export_upload import resolve_dates, upload_all
from deploy.graphql_client import GraphQLClient
from deploy.local.addresses import DemoAccount
from deploy.local.demo.sign_ins import save_sign_ins
from deploy.local.environment import StackEnvironment
from deploy.local.files import write_atomically
from services.chassis.runtime.clock import SystemClock
from services.chassis.runtime.settings import load
from services.contracts.values import Refusal
from services.identity.commands import create_staff
from services.identity.settings import IdentitySettings

EXPORT = Path(__file__).parent
_MAIL_TIMEOUT_S = 60
_MANAGER = {"customerNumber": "62-0000100-00", "invoiceNumber": "1962901", "termsVersion": "2026-01"}
_PARTNERS = {
    "Reittisuunnittelu (planning)": ["orders:read", "orders:subscribe"],
    "Ajopäätteet (drivers)": ["pickups:report"],
}


def load_demo(environment: StackEnvironment, source: Path = EXPORT) -> int:
    """Load it, or another export of the same customers; return the exit code. It runs in a child process."""
    asyncio.run(_load(environment, source))
    return 0


async def _load(environment: StackEnvironment, source: Path) -> None:
    home = environment.home
    plan = _generated_credentials(environment)
    staff, manager = plan["staff"], plan["manager"]
    settings = load(IdentitySettings, "identity", environment.of_service("identity", "api"))
    created = await create_staff(
        settings.database_url, settings.clock_file, username="staff", email="staff@example.fi", password=staff
    )
    if isinstance(created, Refusal) and {problem.code for problem in created.problems} != {"USERNAME_TAKEN"}:
        raise RuntimeError(f"the demonstration's staff user was refused: {created.problems}")
    export = home.root / "demo" / "export"
    resolve_dates(source, export, dt.date.fromisoformat(plan["monday"]))
    accounts = [
        DemoAccount("staff", "staff", staff),
        DemoAccount("property manager with 200 sites", "isannoitsija", manager),
    ]
    async with GraphQLClient(environment.ports.url("gateway")) as graph:
        await graph.sign_in("staff", staff)
        async for result in upload_all(graph, export, lambda *_: None):
            if result.bad_rows:
                raise RuntimeError(f"the demonstration's {result.kind} has bad rows: {result.bad_rows[:3]}")
        for name, scopes in _PARTNERS.items():
            wanted = {"name": name, "scopes": scopes, "allOrganisations": True, "idempotencyKey": plan[name]}
            partner = await graph.mutate(_CREATE_PARTNER, input=wanted)
            secret = partner["clientSecret"] or "(shown once, to a load that broke off)"
            accounts.append(DemoAccount(f"partner: {name}", partner["partner"]["clientId"], secret))
        person = {"username": "isannoitsija", "email": "isannoitsija@example.fi", "password": manager}
        await graph.execute(_REGISTER, input=_MANAGER | person)
        if environment.embeds("mailbox"):
            await _verify_address(graph, environment.ports.url("mailbox"), person["email"])
    save_sign_ins(home, accounts)


async def _verify_address(graph: GraphQLClient, mailbox: str, email: str) -> None:
    """Verify the manager's address by the code in the mailbox; a repetition changes nothing."""
    async with aiohttp.ClientSession(mailbox) as session, asyncio.timeout(_MAIL_TIMEOUT_S):
        while True:
            async with session.get("/api/messages", params={"to": email}) as response:
                messages = (await response.json())["messages"]
            if messages:
                break
            await asyncio.sleep(0.2)
        async with session.get(f"/api/messages/{messages[-1]['id']}") as response:
            text = (await response.json())["text"]
    code = re.search(r"^\S+:\r?\n(\S+)\r?$", text, re.MULTILINE)
    assert code is not None, "registration's mail has a code"
    await graph.execute(_VERIFY, input={"token": code[1]})


def _generated_credentials(environment: StackEnvironment) -> dict[str, str]:
    """Return the values that are generated once: passwords, keys, and the Monday of the first load."""
    file = environment.home.root / "demo" / "plan.json"
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        today = SystemClock("Europe/Helsinki", environment.home.clock).today()
        plan = {name: secrets.token_urlsafe(12) for name in ("staff", "manager", *_PARTNERS)}
        plan["monday"] = (today - dt.timedelta(days=today.weekday())).isoformat()
        write_atomically(file, json.dumps(plan, ensure_ascii=False))
    saved: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return saved


_CREATE_PARTNER = """
    mutation ($input: CreatePartnerInput!) {
      createPartner(input: $input) {
        __typename
        ... on PartnerCreated { partner { clientId } clientSecret }
        ... on Refusal { problems { message } }
      }
    }
"""
_REGISTER = """
    mutation ($input: RegisterInput!) { register(input: $input) { __typename } }
"""
_VERIFY = """
    mutation ($input: VerifyEmailInput!) { verifyEmail(input: $input) { __typename } }
"""
