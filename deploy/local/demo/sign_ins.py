"""Sign-ins of the demonstration data. The file is written last, so it also marks that the data is loaded."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from deploy.local.addresses import DemoAccount
from deploy.local.files import write_atomically
from deploy.local.paths import Home


def is_loaded(home: Home) -> bool:
    """Tell whether this folder's stack has the demonstration data."""
    return _file(home).exists()


def sign_ins(home: Home) -> list[DemoAccount]:
    """List the accounts; none if the data is not loaded."""
    if not is_loaded(home):
        return []
    return [DemoAccount(**one) for one in json.loads(_file(home).read_text(encoding="utf-8"))]


def save_sign_ins(home: Home, accounts: Sequence[DemoAccount]) -> None:
    """Save the accounts, readable by their owner only."""
    write_atomically(_file(home), json.dumps([asdict(one) for one in accounts], ensure_ascii=False))


def _file(home: Home) -> Path:
    return home.root / "demo" / "sign-ins.json"
