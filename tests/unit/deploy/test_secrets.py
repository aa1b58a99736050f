"""Tests of secrets: made once, kept, and readable by their owner only."""

import base64
import json
import stat
from pathlib import Path

from joserfc.jwk import OKPKey

from deploy.local.paths import Home
from deploy.local.secrets import CLIENTS, SERVICES, load_secrets
from services.chassis.auth.sealed.key_ring import read_key_ring


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_they_are_whole_and_different(tmp_path: Path) -> None:
    secrets = load_secrets(Home(tmp_path))

    values = [secrets.postgres_password, *secrets.database_passwords.values(), *secrets.client_secrets.values()]
    assert len(set(values)) == 1 + len(SERVICES) + len(CLIENTS)
    keys = {secrets.pepper, *secrets.files_keys.values()}
    assert [len(base64.b64decode(key)) for key in keys] == [32] * (1 + len(SERVICES))


def test_only_their_owner_can_read_them(tmp_path: Path) -> None:
    home = Home(tmp_path)
    load_secrets(home)

    assert _mode(home.secrets) == 0o700
    assert {_mode(path) for path in home.secrets.iterdir()} == {0o600}


def test_the_second_start_keeps_them(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first, key = load_secrets(home), home.signing_key.read_bytes()

    assert load_secrets(home) == first
    assert home.signing_key.read_bytes() == key


def test_a_secret_that_a_newer_build_needs_is_added_to_the_others(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = load_secrets(home)
    path = home.secrets / "secrets.json"
    saved = json.loads(path.read_text())
    del saved["database_passwords"]["stats"], saved["pepper"]
    path.write_text(json.dumps(saved))

    second = load_secrets(home)

    assert second.database_passwords["orders"] == first.database_passwords["orders"]
    assert second.database_passwords["stats"] != first.database_passwords["stats"]
    assert second.pepper


def test_each_service_has_a_key_ring_of_its_own_from_the_first_start_on(tmp_path: Path) -> None:
    home = Home(tmp_path)
    load_secrets(home)
    rings = {service: read_key_ring(home.key_ring(service)) for service in SERVICES}
    load_secrets(home)

    assert {service: read_key_ring(home.key_ring(service)) for service in SERVICES} == rings
    assert len({ring.in_use.secret for ring in rings.values()}) == len(SERVICES)


def test_the_signing_key_is_ed25519_and_named_by_its_thumbprint(tmp_path: Path) -> None:
    home = Home(tmp_path)
    load_secrets(home)

    key = json.loads(home.signing_key.read_text())

    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")
    assert key["kid"] == OKPKey.import_key(key).thumbprint()
