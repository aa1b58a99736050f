"""Secrets of a stack, made at the first start: passwords, client secrets, keys that sign, the pepper."""

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deploy.local.files import write_atomically
from deploy.local.paths import Home

SERVICES = ("identity", "sites", "orders", "stats", "support")
CLIENTS = ("sites", "orders", "stats", "support", "gateway")
"""Clients that authenticate to identity with a secret."""


@dataclass(frozen=True)
class Secrets:
    """One stack's secrets."""

    postgres_password: str
    database_passwords: dict[str, str]
    """Service to the password of the role that owns its database."""
    runtime_passwords: dict[str, str]
    """Service to the password of the role of its processes."""
    client_secrets: dict[str, str]
    """Service or gateway to its client secret at identity."""
    files_keys: dict[str, str]
    """Service to the key of links to its files: 32 random bytes, base64."""
    pepper: str
    """32 random bytes, base64."""


def load_secrets(home: Home) -> Secrets:
    """Read this stack's secrets; make and save the missing ones, mode 0600 in a folder of mode 0700."""
    home.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home.secrets / "secrets.json"
    saved: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    complete = {
        "postgres_password": saved.get("postgres_password") or _random_secret(),
        "database_passwords": {name: _random_secret() for name in SERVICES} | saved.get("database_passwords", {}),
        "runtime_passwords": {name: _random_secret() for name in SERVICES} | saved.get("runtime_passwords", {}),
        "client_secrets": {name: _random_secret() for name in CLIENTS} | saved.get("client_secrets", {}),
        "files_keys": {name: _random_key() for name in SERVICES} | saved.get("files_keys", {}),
        "pepper": saved.get("pepper") or _random_key(),
    }
    if complete != saved:
        write_atomically(path, json.dumps(complete, indent=2))
    if not home.signing_key.exists():
        write_atomically(home.signing_key, _signing_key())
    for service in SERVICES:
        if not home.key_ring(service).exists():
            write_atomically(home.key_ring(service), _key_ring())
    return Secrets(**complete)


def _random_secret() -> str:
    """Return 256 random bits in characters that need no quoting in URLs, SQL or a shell."""
    return secrets.token_urlsafe(32)


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _key_ring() -> str:
    from services.chassis.auth.sealed.key_ring import new_key_ring

    return new_key_ring(datetime.now(UTC)).encode()


def _signing_key() -> str:
    """Generate an Ed25519 key pair as a JWK (RFC 8037); its `kid` is the thumbprint (RFC 7638)."""
    from joserfc.jwk import OKPKey

    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "EdDSA"}, private=True)
    return json.dumps(key.as_dict(private=True) | {"kid": key.thumbprint()}, indent=2)
