"""Manifests of Kierto, Apollo and Relay, and the errors of invalid ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.persisted_documents import ids
from gateway.persisted_documents.manifest import InvalidManifest, ManifestOperation, encode_manifest, read_manifest
from gateway.persisted_documents.trusted_documents import TrustedDocuments
from services.chassis.runtime.settings import InvalidSettings

TEXT = "query Me { me { id } }"
HASH = "2bde18e8e03bb1b4b5e6a2bf5ff7ff6be9cf0bdeb51e0d2e0bb0a3a3d8b2c1de"
APPENDIX = "query ($id: ID!) {\n  user(id: $id) {\n    name\n  }\n}"


def operation(name: str, text: str, **changed: str) -> ManifestOperation:
    return ManifestOperation(**{"id": ids.id_of(text), "name": name, "type": "query", "body": text, **changed})


def apollo_manifest(*operations: dict[str, Any], **changed: Any) -> str:
    manifest = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations, **changed}
    return json.dumps(manifest)


def test_the_hash_is_that_of_the_appendix() -> None:
    """Both examples of GraphQL over HTTP, appendix A."""
    assert ids.id_of(APPENDIX) == "sha256:7dba4bd717b41f10434822356a93c32b1fb4907b983e854300ad839f84cdcd6e"
    compact = "query($id:ID!){user(id:$id){name}}"
    assert ids.id_of(compact) == "sha256:71f7dc5758652baac68e4a10c50be732b741c892ade2883a99358f52b555286b"


def test_an_encoded_manifest_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_bytes(encode_manifest([operation("Me", TEXT), operation("Ö", 'query Ö { a(b: "ö\\n") }')]))
    documents = TrustedDocuments.load(file)
    assert documents.text(ids.id_of(TEXT)) == TEXT
    assert documents.text(ids.hash_of(TEXT)) == TEXT
    assert documents.trusts(TEXT)
    assert not documents.trusts(TEXT + " ")
    assert documents.text("sha256:" + "0" * 64) is None
    assert len(documents) == 2


def test_the_same_operations_make_the_same_manifest() -> None:
    one, other = operation("A", "query A { a }"), operation("B", "query B { b }")
    assert encode_manifest([one, other]) == encode_manifest([other, one])
    manifest = json.loads(encode_manifest([other, one]))
    assert [one["name"] for one in manifest["operations"]] == ["A", "B"]
    assert manifest["format"] == "apollo-persisted-query-manifest"
    assert manifest["version"] == 1


def test_apollos_manifest_with_bare_hashes(tmp_path: Path) -> None:
    file = tmp_path / "apollo.json"
    made = {"id": ids.hash_of(TEXT), "name": "Me", "type": "query", "body": TEXT, "clientName": "web"}
    file.write_text(apollo_manifest(made))
    assert TrustedDocuments.load(file).text(ids.id_of(TEXT)) == TEXT


def test_relays_map(tmp_path: Path) -> None:
    file = tmp_path / "relay.json"
    file.write_text(json.dumps({"5d41402abc4b2a76b9719d911017c592": TEXT, ids.hash_of(APPENDIX): APPENDIX}))
    documents = TrustedDocuments.load(file)
    assert documents.text("5d41402abc4b2a76b9719d911017c592") == TEXT
    assert documents.text(ids.id_of(APPENDIX)) == APPENDIX


INVALID = {
    "$.operations[0] (Me): the id is not the SHA-256 of the text": apollo_manifest(
        {"id": ids.id_of(TEXT), "name": "Me", "type": "query", "body": TEXT + "\n"}
    ),
    f"$['{HASH}']: the id is not the SHA-256 of the text": json.dumps({HASH: TEXT}),
    "$['sha256:short']: this is no id of a document": json.dumps({"sha256:short": TEXT}),
    "$['md5:reserved']: this is no id of a document": json.dumps({"md5:reserved": TEXT}),
    "$['']: this is no id of a document": json.dumps({"": TEXT}),
    "$.operations[1] (B): another text has the same id": apollo_manifest(
        {"id": "x-own:1", "name": "A", "type": "query", "body": "query A { a }"},
        {"id": "x-own:1", "name": "B", "type": "query", "body": "query B { b }"},
    ),
    "Expected `str`, got `int` - at `$.operations[0].id`": apollo_manifest(
        {"id": 1, "name": "Me", "type": "query", "body": TEXT}
    ),
    "Object missing required field `body` - at `$.operations[0]`": apollo_manifest(
        {"id": "1", "name": "Me", "type": "query"}
    ),
    "Expected apollo-persisted-query-manifest, version 1": apollo_manifest(version=2),
    "Expected `object`, got `array`": "[]",
    "JSON is malformed": '{"a" "b"}',
    "Input data was truncated": '{"a": ',
}


@pytest.mark.parametrize(("message", "text"), INVALID.items(), ids=INVALID)
def test_an_invalid_manifest_is_refused_with_the_location(tmp_path: Path, message: str, text: str) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(text)
    with pytest.raises(InvalidSettings) as raised:
        TrustedDocuments.load(file)
    assert str(raised.value).startswith(f"{file}: ")
    assert message in str(raised.value)


def test_every_location_with_an_error_is_named(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps({HASH: TEXT, HASH[::-1]: TEXT, ids.hash_of(TEXT): TEXT}))
    with pytest.raises(InvalidManifest) as raised:
        read_manifest(file)
    assert len(str(raised.value).splitlines()) == 2


def test_a_missing_file_and_one_that_is_not_utf_8(tmp_path: Path) -> None:
    with pytest.raises(InvalidManifest, match=r"missing\.json: No such file"):
        read_manifest(tmp_path / "missing.json")
    (tmp_path / "binary.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(InvalidManifest, match=r"binary\.json: .*utf-8"):
        read_manifest(tmp_path / "binary.json")
