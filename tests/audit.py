"""``make audit``: advisories on the locked packages of Python (pip-audit) and of Node.js (npm audit).

Both programs count a package that they could not look up, and a registry without advisories, as no finding. Here either
is NOT AUDITED, and fails. To recognise such a registry, each is also asked about a version that has advisories.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from packaging.requirements import Requirement

from tests.support.node import NPM
from tests.support.servers import ROOT
from tests.wheels import LOCK, locked

PYTHON_LOCKS = (LOCK, ROOT / "docs" / "clients" / "python" / "requirements.lock")
NPM_FOLDERS = (
    Path("docs/clients/typescript"),
    Path("gateway/playground"),
    Path("tests/gateway/audits/suite"),
    Path("tests/gateway/lint/suite"),
)
"""Folders with a package-lock.json."""

KNOWN_PYTHON = "django==2.0"
KNOWN_NPM = ("lodash", "4.17.4")
"""Versions that have had published advisories for years. No lock file has them."""

Run = Callable[[Sequence[str | Path], Path], subprocess.CompletedProcess[str]]
"""Runs a program in a folder to its end."""


class Report(msgspec.Struct, frozen=True):
    """The result for one lock file."""

    lock: str
    packages: int = 0
    """Number of its packages that were looked up."""
    vulnerable: Sequence[str] = ()
    not_audited: Sequence[str] = ()
    """Packages that could not be looked up, or the reason for which none could."""

    def lines(self) -> Iterator[str]:
        """Yield the report as lines; one that begins with ``ok`` if there is nothing to do."""
        yield from (f"VULNERABLE   {self.lock}: {finding}" for finding in self.vulnerable)
        yield from (f"NOT AUDITED  {self.lock}: {reason}" for reason in self.not_audited)
        if not self.vulnerable and not self.not_audited:
            yield f"ok           {self.lock}: {self.packages} packages, no known vulnerability"


class _Advisory(msgspec.Struct):
    id: str
    fix_versions: Sequence[str]


class _Dependency(msgspec.Struct):
    name: str
    version: str = ""
    vulns: Sequence[_Advisory] = ()
    skip_reason: str = ""


class _PipAuditReport(msgspec.Struct):
    dependencies: Sequence[_Dependency]


class _Vulnerability(msgspec.Struct):
    severity: str
    range: str


class _NpmReport(msgspec.Struct, rename="camel"):
    audit_report_version: int
    vulnerabilities: dict[str, _Vulnerability]


class _NpmError(msgspec.Struct):
    message: str


def run_program(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder to its end."""
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


def audit_python(lock: Path, run: Run = run_program) -> Report:
    """Audit a lock file of Python: all its packages, also those of other platforms."""
    pinned = sorted(locked(lock.read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text("\n".join([*pinned, KNOWN_PYTHON]), encoding="utf-8")
        program = Path(sys.executable).with_name("pip-audit")
        options = ("--disable-pip", "--no-deps", "--progress-spinner", "off", "--desc", "off", "--format", "json")
        done = run([program, *options, "--requirement", requirements], Path(folder))
    try:
        report = msgspec.json.decode(done.stdout, type=_PipAuditReport)
    except msgspec.DecodeError:
        return Report(_name_of(lock), not_audited=[_last_line(done.stderr)])
    return _python_report(_name_of(lock), pinned, report)


def _python_report(name: str, pinned: Sequence[str], report: _PipAuditReport) -> Report:
    found = {one.name: one for one in report.dependencies}
    known = found.pop(Requirement(KNOWN_PYTHON).name, None)
    names = [Requirement(pin).name for pin in pinned]
    skipped = [one.skip_reason for one in found.values() if one.skip_reason]
    silent = [f"{one} is missing in the report" for one in names if one not in found]
    vulnerable = [
        f"{one.name} {one.version}: {advisory.id}, fixed in {' or '.join(advisory.fix_versions) or 'no version'}"
        for one in found.values()
        for advisory in one.vulns
    ]
    if known is None or not known.vulns:
        return Report(name, 0, vulnerable, [f"the registry has no advisories: none on {KNOWN_PYTHON}"])
    return Report(name, len(names) - len(skipped) - len(silent), vulnerable, [*skipped, *silent])


def audit_npm(folder: Path, run: Run = run_program) -> Report:
    """Audit the package-lock.json of a folder."""
    lock = folder / "package-lock.json"
    name = _name_of(lock)
    try:
        with tempfile.TemporaryDirectory() as work:
            _write_known_lock(Path(work))
            known = _npm_report(Path(work), run)
        report = _npm_report(folder, run)
    except _AuditFailed as reason:
        return Report(name, not_audited=[str(reason)])
    vulnerable = [f"{one} {found.range}: {found.severity}" for one, found in sorted(report.vulnerabilities.items())]
    if not known.vulnerabilities:
        return Report(name, 0, vulnerable, [f"the registry has no advisories: none on {'@'.join(KNOWN_NPM)}"])
    packages = msgspec.json.decode(lock.read_bytes())["packages"]
    return Report(name, len(packages) - 1, vulnerable)


class _AuditFailed(Exception):
    """npm did not audit; the text is its reason."""


def _npm_report(folder: Path, run: Run) -> _NpmReport:
    done = run([*NPM, "audit", "--json", "--package-lock-only", "--fetch-retries", "0"], folder)
    try:
        return msgspec.json.decode(done.stdout, type=_NpmReport)
    except msgspec.DecodeError:
        try:
            raise _AuditFailed(msgspec.json.decode(done.stdout, type=_NpmError).message) from None
        except msgspec.DecodeError:
            raise _AuditFailed(_last_line(done.stderr)) from None


def _write_known_lock(folder: Path) -> None:
    """Write the files of a project that has only the version with advisories."""
    name, version = KNOWN_NPM
    project = {"name": "known", "version": "1.0.0", "dependencies": {name: version}}
    packages = {"": project, f"node_modules/{name}": {"version": version}}
    lock = {"name": "known", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": packages}
    (folder / "package.json").write_bytes(msgspec.json.encode(project))
    (folder / "package-lock.json").write_bytes(msgspec.json.encode(lock))


def _name_of(lock: Path) -> str:
    return str(lock.relative_to(ROOT)) if lock.is_relative_to(ROOT) else str(lock)


def _last_line(output: str) -> str:
    return next(reversed(output.strip().splitlines()), "the audit gave no report")


def main() -> int:
    """Audit every lock file; return the exit code, 1 for a vulnerability and for what was not audited."""
    reports = [*map(audit_python, PYTHON_LOCKS), *(audit_npm(ROOT / folder) for folder in NPM_FOLDERS)]
    sys.stdout.writelines(f"{line}\n" for report in reports for line in report.lines())
    return 1 if any(report.vulnerable or report.not_audited for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
