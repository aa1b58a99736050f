"""Identity on an empty database, with a signing key, and hashes that are counted."""

import datetime as dt
from pathlib import Path

import msgspec
import pytest
from joserfc.jwk import OKPKey

from services.access.caller import Caller
from services.chassis.settings import Address
from services.chassis.tokens import Claims, Verifier
from services.contracts.identity import Identity, Register
from services.contracts.stats import InvoiceStated
from services.identity.app import IDENTITY
from services.identity.settings import IdentitySettings
from services.identity.store.passwords import Argon2Passwords
from services.identity.store.transaction import IdentityTransaction
from tests.component.identity.steps import Bench, invoice
from tests.support.clock import TestClock
from tests.support.fixtures import MakeWorkbench


@pytest.fixture
def settings(tmp_path: Path) -> IdentitySettings:
    """Identity's settings, with a key of its own."""
    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "EdDSA"}, private=True)
    file = tmp_path / "signing-key.jwk"
    file.write_bytes(msgspec.json.encode(key.as_dict(private=True)))
    return IdentitySettings(
        listen=Address("127.0.0.1", 0),
        database_url="postgresql://nowhere",
        kafka="127.0.0.1:0",
        identity_url="http://127.0.0.1:0",
        signing_key_file=file,
        pepper="a pepper for the tests",
        service_secrets={"support": "the secret of support"},
    )


@pytest.fixture
async def bench(workbench: MakeWorkbench[IdentityTransaction, Identity], settings: IdentitySettings) -> Bench:
    """Identity without anything in it."""
    made = await workbench(IDENTITY)
    made.settings = settings
    return made
