"""Who of the demonstration data can sign in. Written last when it is loaded, and so the mark that it is."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from deploy.local.addresses import DemoAccount
from deploy.local.files import write_atomically
from deploy.local.paths import Home


def is_loaded(home: Home) -> bool:
    """Whether this folder's stack has the demonstration data."""
    return _file(home).exists()


def sign_ins(home: Home) -> list[DemoAccount]:
    """Everyone of it; nobody if it is not loaded."""
    if not is_loaded(home):
        return []
    return [DemoAccount(**one) for one in json.loads(_file(home).read_text(encoding="utf-8"))]


def save_sign_ins(home: Home, people: Sequence[DemoAccount]) -> None:
    """Write them down, for their owner's eyes."""
    write_atomically(_file(home), json.dumps([asdict(one) for one in people], ensure_ascii=False))


def _file(home: Home) -> Path:
    return home.root / "demo" / "sign-ins.json"
