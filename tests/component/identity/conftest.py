"""Fixtures of identity on an empty database, with its own signing key."""

from pathlib import Path

import msgspec
import pytest
from joserfc.jwk import OKPKey

from services.chassis.runtime.settings import SocketAddress
from services.contracts.identity.operations import Identity
from services.identity.app import IDENTITY
from services.identity.hashing.argon2 import Argon2Passwords
from services.identity.settings import IdentitySettings
from services.identity.store.transaction import IdentityTransaction
from tests.component.identity.actions import Harness
from tests.support.fixtures import MakeHarness


@pytest.fixture
def settings(tmp_path: Path) -> IdentitySettings:
    """Identity's settings, with a key like that of the local stack."""
    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "EdDSA"}, private=True)
    file = tmp_path / "signing-key.jwk"
    file.write_bytes(msgspec.json.encode(key.as_dict(private=True)))
    return IdentitySettings(
        listen=SocketAddress("127.0.0.1", 0),
        database_url="postgresql://nowhere",
        kafka="127.0.0.1:0",
        identity_url="http://127.0.0.1:0",
        signing_key_file=file,
        pepper="a pepper for the tests",
        service_secrets={"support": "the secret of support"},
    )


@pytest.fixture
async def harness(make_harness: MakeHarness[IdentityTransaction, Identity], settings: IdentitySettings) -> Harness:
    """Identity on an empty database."""
    made = await make_harness(IDENTITY)
    made.settings = settings
    return made


@pytest.fixture
def hash_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls of password hashing, which dominate the time of a response."""
    calls: list[str] = []
    original_hash, original_verify = Argon2Passwords._hash, Argon2Passwords._verify

    def hashing(self: Argon2Passwords, password: str) -> str:
        calls.append("hash")
        return original_hash(self, password)

    def verifying(self: Argon2Passwords, password_hash: str, password: str) -> bool:
        calls.append("verify")
        return original_verify(self, password_hash, password)

    monkeypatch.setattr(Argon2Passwords, "_hash", hashing)
    monkeypatch.setattr(Argon2Passwords, "_verify", verifying)
    return calls
