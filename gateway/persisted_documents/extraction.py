"""Extraction of operations from clients' sources, validated against the schema."""

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
"""Fragments may be unused in a folder, and anonymous operations get a diagnostic of their own."""


class Diagnostic(msgspec.Struct, frozen=True, order=True):
    """An error in a file."""

    file: str
    line: int
    """From 1; in a manifest, within the text of the operation."""
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class Extraction(msgspec.Struct, frozen=True):
    """The extracted operations, to be used only if there are no diagnostics."""

    operations: Sequence[ManifestOperation]
    diagnostics: Sequence[Diagnostic]


def extract(paths: Iterable[Path], schema: GraphQLSchema) -> Extraction:
    """Extract the operations of folders and manifests; InvalidManifest if a manifest can't be read.

    All ``*.graphql`` files of a folder, at any depth, are one document: names are unique, and an operation is extracted
    with the fragments that it uses. Texts of a manifest keep their ids.
    """
    operations: dict[str, ManifestOperation] = {}
    diagnostics: list[Diagnostic] = []
    for path in paths:
        extracted = (_extract_from_folder if path.is_dir() else _extract_from_manifest)(path, schema, diagnostics)
        diagnostics += [
            Diagnostic(str(path), 1, f"Another text has the id {one.id} too.")
            for one in extracted
            if operations.setdefault(ids.lookup_key(one.id), one).body != one.body
        ]
    return Extraction([*operations.values()], sorted(set(diagnostics)))


def _extract_from_folder(folder: Path, schema: GraphQLSchema, diagnostics: list[Diagnostic]) -> list[ManifestOperation]:
    definitions: list[DefinitionNode] = []
    unreadable: list[Diagnostic] = []
    files = sorted(folder.rglob("*.graphql"))
    for file in files:
        try:
            definitions += parse(Source(file.read_text(encoding="utf-8"), str(file))).definitions
        except GraphQLError as error:
            unreadable.append(_diagnostic(error, str(file)))
        except UnicodeDecodeError:
            unreadable.append(Diagnostic(str(file), 1, "This is not UTF-8."))
    if not files:
        unreadable.append(Diagnostic(str(folder), 1, "There are no *.graphql files here."))
    if unreadable:
        diagnostics += unreadable
        return []
    invalid = [
        _diagnostic(error, str(folder))
        for error in validate(schema, DocumentNode(definitions=tuple(definitions)), _RULES)
    ]
    invalid += [
        _diagnostic(GraphQLError("An operation needs a name.", one), str(folder))
        for one in definitions
        if isinstance(one, OperationDefinitionNode) and one.name is None
    ]
    diagnostics += invalid
    return [] if invalid else _operations_of(definitions)


def _operations_of(definitions: Sequence[DefinitionNode]) -> list[ManifestOperation]:
    """Return each operation with its fragments, sorted by name: their place in the files does not change the text."""
    fragments = [one for one in definitions if isinstance(one, FragmentDefinitionNode)]
    operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
    ordered = (*operations, *sorted(fragments, key=attrgetter("name.value")))
    separated = separate_operations(DocumentNode(definitions=ordered))
    extracted = []
    for operation in operations:
        assert operation.name is not None, "validated before"
        text = print_ast(separated[operation.name.value])
        extracted.append(ManifestOperation(ids.id_of(text), operation.name.value, operation.operation.value, text))
    return extracted


def _extract_from_manifest(file: Path, schema: GraphQLSchema, diagnostics: list[Diagnostic]) -> list[ManifestOperation]:
    extracted = []
    for entry in manifest.read_manifest(file):
        location = f"{file} {entry.location}"
        try:
            document = parse(Source(entry.text, location))
        except GraphQLError as error:
            diagnostics.append(_diagnostic(error, location))
            continue
        diagnostics += [_diagnostic(error, location) for error in validate(schema, document)]
        operation = get_operation_ast(document)
        if operation is None:
            diagnostics.append(Diagnostic(location, 1, "A persisted document holds one operation."))
        else:
            name = operation.name.value if operation.name else ""
            extracted.append(ManifestOperation(entry.id, name, operation.operation.value, entry.text))
    return extracted


def _diagnostic(error: GraphQLError, file: str) -> Diagnostic:
    if error.source is None or not error.locations:
        return Diagnostic(file, 1, error.message)
    return Diagnostic(error.source.name, error.locations[0].line, error.message)
