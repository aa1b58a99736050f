"""Tests of ``make audit``: pip-audit's recorded reports, and npm asking a registry with recorded answers."""

import contextlib
import gzip
import json
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests import audit
from tests.audit import NPM_FOLDERS, PYTHON_LOCKS, Report, audit_npm, audit_python, main
from tests.support.servers import ROOT

DJANGO = {
    "name": "django",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-2019-10", "fix_versions": ["2.0.11"], "aliases": ["CVE-2019-6975"]}],
}
SIX = {"name": "six", "version": "1.17.0", "vulns": []}
SIX_VULNERABLE = {"name": "six", "version": "1.17.0", "vulns": [{"id": "PYSEC-1", "fix_versions": [], "aliases": []}]}
SIX_NOT_FOUND = {"name": "six", "skip_reason": "Dependency not found on PyPI and could not be audited: six (1.17.0)"}
IDNA = {
    "name": "idna",
    "version": "3.6",
    "vulns": [{"id": "PYSEC-2024-60", "fix_versions": ["3.7"], "aliases": ["CVE-2024-3651", "GHSA-jjg7-2v4v-x38h"]}],
}
IDNA_FIXED = {"name": "idna", "version": "3.6", "vulns": []}


def python_report(folder: Path, *dependencies: Any, stdout: str | None = None, stderr: str = "") -> Report:
    """Audit a lock file of two packages, by pip-audit's recorded report on some dependencies; name it by its file."""
    lock = folder / "requirements.lock"
    lock.write_text(
        "idna==3.6 \\\n    --hash=sha256:00\nsix==1.17.0 ; sys_platform == 'win32' \\\n    --hash=sha256:01\n"
    )
    answer = json.dumps({"dependencies": dependencies, "fixes": []}) if stdout is None else stdout

    def run(command: Sequence[str | Path], _: Path) -> subprocess.CompletedProcess[str]:
        assert Path(command[-1]).read_text().split() == ["idna==3.6", "six==1.17.0", "django==2.0"]
        return subprocess.CompletedProcess(command, 1, answer, stderr)

    report = audit_python(lock, run)
    assert report.lock == str(lock)
    return msgspec.structs.replace(report, lock=lock.name)


def test_packages_without_advisories_are_ok(tmp_path: Path) -> None:
    report = python_report(tmp_path, IDNA_FIXED, SIX, DJANGO)
    assert list(report.lines()) == ["ok           requirements.lock: 2 packages, no known vulnerability"]


def test_an_advisory_is_reported_with_its_fix(tmp_path: Path) -> None:
    report = python_report(tmp_path, IDNA, SIX_VULNERABLE, DJANGO)
    assert list(report.lines()) == [
        "VULNERABLE   requirements.lock: idna 3.6: PYSEC-2024-60, fixed in 3.7",
        "VULNERABLE   requirements.lock: six 1.17.0: PYSEC-1, fixed in no version",
    ]


def test_a_package_that_was_not_found_is_not_audited(tmp_path: Path) -> None:
    report = python_report(tmp_path, IDNA_FIXED, SIX_NOT_FOUND, DJANGO)
    assert report.not_audited == [SIX_NOT_FOUND["skip_reason"]]
    assert report.packages == 1


def test_a_package_that_the_report_leaves_out_is_not_audited(tmp_path: Path) -> None:
    assert python_report(tmp_path, SIX, DJANGO).not_audited == ["idna is missing in the report"]


@pytest.mark.parametrize("known", [[{**DJANGO, "vulns": []}], [{**SIX_NOT_FOUND, "name": "django"}], []])
def test_a_registry_without_advisories_audits_nothing(tmp_path: Path, known: list[Any]) -> None:
    report = python_report(tmp_path, IDNA_FIXED, SIX, *known)
    assert list(report.lines()) == [
        "NOT AUDITED  requirements.lock: the registry has no advisories: none on django==2.0"
    ]


def test_an_advisory_of_a_registry_with_few_is_reported_all_the_same(tmp_path: Path) -> None:
    report = python_report(tmp_path, IDNA, SIX)
    assert len(report.vulnerable) == len(report.not_audited) == 1


def test_without_a_network_no_python_package_is_audited(tmp_path: Path) -> None:
    reason = "requests.exceptions.ConnectionError: Failed to resolve the registry's name"
    assert python_report(tmp_path, stdout="", stderr=f"Traceback ...\n{reason}\n").not_audited == [reason]


Advisories = Mapping[str, str]
"""Vulnerable versions by package."""


@contextlib.contextmanager
def registry(advisories: Advisories | None) -> Iterator[str]:
    """Serve a registry of npm that has these advisories, or no address to ask for any."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            asked = json.loads(gzip.decompress(content) if content[:1] == b"\x1f" else content)
            if advisories is None or not self.path.endswith("/advisories/bulk"):
                self.send_error(405)
                return
            self._answer({one: [_advisory(one, advisories[one])] for one in asked if one in advisories})

        def do_GET(self) -> None:
            name = self.path.strip("/")
            versions = {version: {"name": name, "version": version} for version in ("1.0.0", "4.17.4", "9.0.0")}
            self._answer({"name": name, "dist-tags": {"latest": "9.0.0"}, "versions": versions})

        def _answer(self, value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _advisory(name: str, versions: str) -> dict[str, Any]:
    return {
        "id": 1094499,
        "url": "https://example.org/advisories/1094499",
        "title": f"Prototype Pollution in {name}",
        "severity": "critical",
        "vulnerable_versions": versions,
        "cwe": ["CWE-1321"],
        "cvss": {"score": 9.1, "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:H"},
    }


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose lock file has one package, ``minimist`` 1.0.0."""
    folder = tmp_path / "package"
    folder.mkdir()
    project = {"name": "p", "version": "1.0.0", "dependencies": {"minimist": "1.0.0"}}
    packages = {"": project, "node_modules/minimist": {"version": "1.0.0"}}
    (folder / "package.json").write_text(json.dumps(project))
    (folder / "package-lock.json").write_text(json.dumps({**project, "lockfileVersion": 3, "packages": packages}))
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    return folder


def npm_lines(folder: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the lines of an audit at a registry, without the lock file's name."""
    monkeypatch.setenv("npm_config_registry", address)
    return [line.replace(f"{folder}/package-lock.json: ", "") for line in audit_npm(folder).lines()]


@pytest.mark.parametrize(
    ("advisories", "lines"),
    [
        ({"lodash": "<5"}, ["ok           1 packages, no known vulnerability"]),
        ({"lodash": "<5", "minimist": "<2"}, ["VULNERABLE   minimist <2: critical"]),
        ({}, ["NOT AUDITED  the registry has no advisories: none on lodash@4.17.4"]),
    ],
)
def test_npm_audits_by_the_advisories_of_its_registry(
    package: Path, monkeypatch: pytest.MonkeyPatch, advisories: Advisories, lines: list[str]
) -> None:
    with registry(advisories) as address:
        assert npm_lines(package, address, monkeypatch) == lines


def test_a_registry_that_takes_no_audits_audits_nothing(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with registry(None) as address:
        (line,) = npm_lines(package, address, monkeypatch)
    assert line.startswith("NOT AUDITED  405 Method Not Allowed")


def test_without_a_network_npm_audits_nothing(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with registry({}) as address:
        pass
    (line,) = npm_lines(package, address, monkeypatch)
    assert line.startswith("NOT AUDITED  request to http://127.0.0.1:")


@pytest.mark.parametrize(
    ("report", "code"),
    [(Report("a", 1), 0), (Report("a", 1, vulnerable=["b"]), 1), (Report("a", 1, not_audited=["b"]), 1)],
)
def test_only_audited_packages_without_advisories_pass(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], report: Report, code: int
) -> None:
    monkeypatch.setattr(audit, "audit_python", lambda _: Report("requirements.lock", 1))
    monkeypatch.setattr(audit, "audit_npm", lambda _: report)
    assert main() == code
    assert len(capsys.readouterr().out.splitlines()) == len(PYTHON_LOCKS) + len(NPM_FOLDERS)


def test_every_lock_file_is_audited() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*requirements*.lock", "*package-lock.json"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    audited = {*PYTHON_LOCKS, *(ROOT / folder / "package-lock.json" for folder in NPM_FOLDERS)}
    assert {ROOT / path for path in listed.stdout.split()} == audited


@pytest.mark.parametrize("lock", PYTHON_LOCKS)
def test_every_package_of_a_lock_file_is_looked_up(lock: Path) -> None:
    """All of them, whatever the options between their lines."""
    pinned = [line.split()[0] for line in lock.read_text(encoding="utf-8").splitlines() if line[:1].isalnum()]
    assert len(pinned) > 10

    def run(command: Sequence[str | Path], _: Path) -> subprocess.CompletedProcess[str]:
        asked = Path(command[-1]).read_text().split()
        assert asked == [*sorted(pinned), "django==2.0"]
        found = [{"name": name, "version": version} for name, _, version in (one.partition("==") for one in asked)]
        return subprocess.CompletedProcess(command, 1, json.dumps({"dependencies": [*found[:-1], DJANGO]}), "")

    report = audit_python(lock, run)
    assert list(report.lines()) == [
        f"ok           {lock.relative_to(ROOT)}: {len(pinned)} packages, no known vulnerability"
    ]
