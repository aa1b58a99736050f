"""Test of the gateway's README: it lists the codes of all errors, and no others."""

import re
from pathlib import Path

from gateway.errors import _CODE_BY_EXCEPTION, _CODE_BY_STATUS, _FORWARDED_CODES, UNEXPECTED
from gateway.execution.limits.operation_limits import LIMIT_EXCEEDED
from gateway.execution.limits.validation import INVALID_OPERATION

ROOT = Path(__file__).parents[3]
_RAISED = re.compile(r'(?:RequestError|OperationError|super\(\).__init__)\(\s*\d+,\s*"([A-Z_]+)"')
_TABLE = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)


def raised_codes() -> set[str]:
    codes = {
        INVALID_OPERATION,
        LIMIT_EXCEEDED,
        UNEXPECTED,
        *_CODE_BY_STATUS.values(),
        *_CODE_BY_EXCEPTION.values(),
        *_FORWARDED_CODES,
    }
    for path in (ROOT / "gateway").rglob("*.py"):
        codes.update(_RAISED.findall(path.read_text(encoding="utf-8")))
    return codes


def test_the_readme_has_every_code_and_no_other() -> None:
    section = (
        (ROOT / "gateway" / "README.md").read_text(encoding="utf-8").partition("## Errors")[2].partition("\n## ")[0]
    )
    assert {"CROSS_ORIGIN", "UNSUPPORTED_MEDIA_TYPE", "TOO_LARGE"} <= raised_codes()
    assert set(_TABLE.findall(section)) == raised_codes()
