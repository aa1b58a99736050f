"""Tests of `kierto documents`: its manifest and its messages, with the present schema."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from gateway.persisted_documents import ids
from gateway.persisted_documents.trusted_documents import TrustedDocuments


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "me.graphql").write_text("query Me { me { ...Person } }\nfragment Person on Me { id username }\n")
    return folder


def test_a_folder_becomes_a_manifest_that_the_gateway_reads(web: Path, tmp_path: Path) -> None:
    out = tmp_path / "trusted.json"
    result = CliRunner().invoke(app, ["documents", str(web), "--out", str(out)])
    assert (result.exit_code, result.output) == (0, f"{out}: 1 documents\n")
    text = "query Me {\n  me {\n    ...Person\n  }\n}\n\nfragment Person on Me {\n  id\n  username\n}"
    assert TrustedDocuments.load(out).text(ids.id_of(text)) == text


def test_an_earlier_manifest_is_kept(web: Path, tmp_path: Path) -> None:
    out = tmp_path / "trusted.json"
    CliRunner().invoke(app, ["documents", str(web), "--out", str(out)])
    (web / "me.graphql").write_text("query Me { me { id } }")
    result = CliRunner().invoke(app, ["documents", str(web), str(out), "--out", str(out)])
    assert (result.exit_code, len(TrustedDocuments.load(out))) == (0, 2)


def test_an_error_is_named_and_nothing_is_written(web: Path, tmp_path: Path) -> None:
    (web / "wrong.graphql").write_text("query Wrong {\n  me {\n    shoeSize\n  }\n}")
    out = tmp_path / "trusted.json"
    result = CliRunner().invoke(app, ["documents", str(web), "--out", str(out)])
    assert result.exit_code == 1
    assert result.output.startswith(f"{web}/wrong.graphql:3: Cannot query field 'shoeSize' on type 'Me'.")
    assert not out.exists()


def test_an_invalid_manifest_is_named(web: Path, tmp_path: Path) -> None:
    invalid = tmp_path / "invalid.json"
    invalid.write_text(json.dumps({ids.hash_of("{ a }"): "{ b }"}))
    result = CliRunner().invoke(app, ["documents", str(web), str(invalid), "--out", str(tmp_path / "out.json")])
    assert result.exit_code == 2
    assert result.output == f"{invalid}: $['{ids.hash_of('{ a }')}']: the id is not the SHA-256 of the text\n"


def test_a_missing_place_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["documents", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out.json")])
    assert result.exit_code == 2
