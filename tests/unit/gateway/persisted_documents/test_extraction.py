"""Operations extracted from clients' sources, and diagnostics by file and line."""

import json
from pathlib import Path

import pytest
from graphql import build_schema

from gateway.persisted_documents import ids
from gateway.persisted_documents.extraction import extract
from gateway.persisted_documents.manifest import encode_manifest

SCHEMA = build_schema("""
    type Query { site(id: ID!): Site  sites: [Site!]! }
    type Mutation { close(id: ID!): Site }
    type Subscription { changed: Site }
    type Site { id: ID!  address: Address }
    type Address { street: String! }
""")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "parts").mkdir(parents=True)
    (folder / "parts" / "site.graphql").write_text("""
        fragment SiteParts on Site { id address { ...AddressParts } }
        fragment AddressParts on Address { street }
        fragment Unused on Site { id }
    """)
    (folder / "sites.graphql").write_text("""
        # of the front page
        query Sites { sites { ...SiteParts } }
        subscription Changed { changed { id } }
    """)
    (folder / "close.graphql").write_text("mutation Close($id: ID!) { close(id: $id) { ...SiteParts } }")
    return folder


def test_each_operation_gets_the_fragments_that_it_needs(folder: Path) -> None:
    extraction = extract([folder], SCHEMA)
    assert extraction.diagnostics == []
    by_name = {one.name: one for one in extraction.operations}
    assert {one.name: one.type for one in extraction.operations} == {
        "Close": "mutation",
        "Sites": "query",
        "Changed": "subscription",
    }
    assert by_name["Changed"].body == "subscription Changed {\n  changed {\n    id\n  }\n}"
    assert by_name["Sites"].body == (
        "query Sites {\n  sites {\n    ...SiteParts\n  }\n}\n\n"
        "fragment AddressParts on Address {\n  street\n}\n\n"
        "fragment SiteParts on Site {\n  id\n  address {\n    ...AddressParts\n  }\n}"
    )
    assert all(one.id == ids.id_of(one.body) for one in extraction.operations)


def test_the_place_of_definitions_does_not_change_the_manifest(folder: Path, tmp_path: Path) -> None:
    before = encode_manifest(extract([folder], SCHEMA).operations)
    everything = "\n".join(file.read_text() for file in sorted(folder.rglob("*.graphql"), reverse=True))
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "all.graphql").write_text(everything)
    assert encode_manifest(extract([tmp_path / "one"], SCHEMA).operations) == before


def test_diagnostics_have_file_and_line(folder: Path) -> None:
    (folder / "parts" / "site.graphql").write_text("\nfragment SiteParts on Site {\n  id\n  colour\n}")
    (folder / "wrong.graphql").write_text(
        "query Wrong {\n  site {\n    id\n  }\n}\n{ sites { id } }\nquery Sites { sites { id } }"
    )
    diagnostics = [str(one) for one in extract([folder], SCHEMA).diagnostics]
    assert diagnostics == [
        f"{folder}/parts/site.graphql:4: Cannot query field 'colour' on type 'Site'.",
        f"{folder}/sites.graphql:3: There can be only one operation named 'Sites'.",
        f"{folder}/wrong.graphql:2: Argument 'Query.site(id:)' of type 'ID!' is required, but it was not provided.",
        f"{folder}/wrong.graphql:6: An operation needs a name.",
    ]


def test_every_unreadable_file_has_a_diagnostic(folder: Path) -> None:
    (folder / "a.graphql").write_text("query A {\n  sites {\n")
    (folder / "b.graphql").write_bytes(b"# \xff\n{ a }")
    (folder / "c.graphql").write_text("type Query { a: Int }")
    diagnostics = [str(one) for one in extract([folder], SCHEMA).diagnostics]
    assert diagnostics == [
        f"{folder}/a.graphql:3: Syntax Error: Expected Name, found <EOF>.",
        f"{folder}/b.graphql:1: This is not UTF-8.",
    ]


def test_a_schema_is_not_executable(folder: Path) -> None:
    (folder / "schema.graphql").write_text("\ntype Query { a: Int }")
    diagnostics = [str(one) for one in extract([folder], SCHEMA).diagnostics]
    assert diagnostics == [f"{folder}/schema.graphql:2: The 'Query' definition is not executable."]


def test_an_empty_folder_has_a_diagnostic(tmp_path: Path) -> None:
    assert [str(one) for one in extract([tmp_path], SCHEMA).diagnostics] == [
        f"{tmp_path}:1: There are no *.graphql files here."
    ]


def test_a_manifest_keeps_its_ids(folder: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_text(json.dumps({"5d41402abc4b2a76b9719d911017c592": "query Old { sites { id } }"}))
    extraction = extract([folder, old], SCHEMA)
    assert extraction.diagnostics == []
    assert len(extraction.operations) == 4
    assert extraction.operations[-1].id == "5d41402abc4b2a76b9719d911017c592"
    assert (extraction.operations[-1].name, extraction.operations[-1].type) == ("Old", "query")


def test_an_earlier_manifest_of_the_same_sources_adds_nothing(folder: Path, tmp_path: Path) -> None:
    before = encode_manifest(extract([folder], SCHEMA).operations)
    (tmp_path / "before.json").write_bytes(before)
    assert encode_manifest(extract([folder, tmp_path / "before.json"], SCHEMA).operations) == before


def test_texts_of_manifests_are_validated(tmp_path: Path) -> None:
    old, other = tmp_path / "old.json", tmp_path / "other.json"
    old.write_text(
        json.dumps(
            {
                "one": "query Old {\n  gone\n}",
                "two": "query A { sites { id } } query B { sites { id } }",
                "three": "query {",
                "four": "{ sites { id } }",
            }
        )
    )
    other.write_text(json.dumps({"four": "query Four { sites { id } }"}))
    diagnostics = [str(one) for one in extract([old, other], SCHEMA).diagnostics]
    assert diagnostics == [
        f"{old} $['one']:2: Cannot query field 'gone' on type 'Query'.",
        f"{old} $['three']:1: Syntax Error: Expected Name, found <EOF>.",
        f"{old} $['two']:1: A persisted document holds one operation.",
        f"{other}:1: Another text has the id four too.",
    ]
