"""The operations of clients, collected from their sources and judged by the schema."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from pathlib import Path

import msgspec
from graphql import (
    DefinitionNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    LoneAnonymousOperationRule,
    NoUnusedFragmentsRule,
    OperationDefinitionNode,
    Source,
    get_operation_ast,
    parse,
    print_ast,
    separate_operations,
    specified_rules,
    validate,
)

from gateway.persisted_documents import ids, manifest
from gateway.persisted_documents.manifest import ManifestOperation

_RULES = [rule for rule in specified_rules if rule not in (NoUnusedFragmentsRule, LoneAnonymousOperationRule)]
"""A folder may hold fragments for operations that are elsewhere; an operation without a name is complained of here."""


class Diagnostic(msgspec.Struct, frozen=True, order=True):
    """Something is wrong in a file. ``line`` counts from 1; in a manifest, within the text of the operation."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class Extraction(msgspec.Struct, frozen=True):
    """What was found; the operations are of use only where there are no complaints."""

    operations: Sequence[ManifestOperation]
    diagnostics: Sequence[Diagnostic]


def extract(places: Iterable[Path], schema: GraphQLSchema) -> Extraction:
    """The operations of these folders and manifests; BrokenManifest if one of these is broken.

    A folder's ``*.graphql`` files, at any depth, belong together: names are unique among them, and each operation gets
    the fragments that it needs. A manifest's texts keep their ids.
    """
    operations: dict[str, ManifestOperation] = {}
    complaints: list[Diagnostic] = []
    for place in places:
        found = (_extract_from_folder if place.is_dir() else _extract_from_manifest)(place, schema, complaints)
        complaints += [
            Diagnostic(str(place), 1, f"Another text has the id {one.id} too.")
            for one in found
            if operations.setdefault(ids.lookup_key(one.id), one).body != one.body
        ]
    return Extraction([*operations.values()], sorted(set(complaints)))


def _extract_from_folder(folder: Path, schema: GraphQLSchema, complaints: list[Diagnostic]) -> list[ManifestOperation]:
    definitions: list[DefinitionNode] = []
    unread: list[Diagnostic] = []
    files = sorted(folder.rglob("*.graphql"))
    for file in files:
        try:
            definitions += parse(Source(file.read_text(encoding="utf-8"), str(file))).definitions
        except GraphQLError as error:
            unread.append(_diagnostic(error, str(file)))
        except UnicodeDecodeError:
            unread.append(Diagnostic(str(file), 1, "This is not UTF-8."))
    if not files:
        unread.append(Diagnostic(str(folder), 1, "There are no *.graphql files here."))
    if unread:
        complaints += unread
        return []
    wrong = [
        _diagnostic(error, str(folder))
        for error in validate(schema, DocumentNode(definitions=tuple(definitions)), _RULES)
    ]
    wrong += [
        _diagnostic(GraphQLError("An operation needs a name.", one), str(folder))
        for one in definitions
        if isinstance(one, OperationDefinitionNode) and one.name is None
    ]
    complaints += wrong
    return [] if wrong else _operations_of(definitions)


def _operations_of(definitions: Sequence[DefinitionNode]) -> list[ManifestOperation]:
    """Each operation with its fragments in the order of their names: where they stand makes no other text."""
    fragments = [one for one in definitions if isinstance(one, FragmentDefinitionNode)]
    operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
    ordered = (*operations, *sorted(fragments, key=attrgetter("name.value")))
    separated = separate_operations(DocumentNode(definitions=ordered))
    found = []
    for one in operations:
        assert one.name is not None, "validated before"
        text = print_ast(separated[one.name.value])
        found.append(ManifestOperation(ids.id_of(text), one.name.value, one.operation.value, text))
    return found


def _extract_from_manifest(file: Path, schema: GraphQLSchema, complaints: list[Diagnostic]) -> list[ManifestOperation]:
    found = []
    for entry in manifest.read_manifest(file):
        place = f"{file} {entry.location}"
        try:
            document = parse(Source(entry.text, place))
        except GraphQLError as error:
            complaints.append(_diagnostic(error, place))
            continue
        complaints += [_diagnostic(error, place) for error in validate(schema, document)]
        operation = get_operation_ast(document)
        if operation is None:
            complaints.append(Diagnostic(place, 1, "A persisted document holds one operation."))
        else:
            name = operation.name.value if operation.name else ""
            found.append(ManifestOperation(entry.id, name, operation.operation.value, entry.text))
    return found


def _diagnostic(error: GraphQLError, place: str) -> Diagnostic:
    if error.source is None or not error.locations:
        return Diagnostic(place, 1, error.message)
    return Diagnostic(error.source.name, error.locations[0].line, error.message)
