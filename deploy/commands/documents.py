"""`kierto documents`: the manifest of trusted documents, made from the clients' sources."""

from pathlib import Path
from typing import Annotated

import typer


def documents(
    places: Annotated[
        list[Path], typer.Argument(exists=True, help="Folders with *.graphql files; manifests, whose ids are kept.")
    ],
    out: Annotated[Path, typer.Option(dir_okay=False, help="The manifest to write.")],
) -> None:
    """Make the manifest of the operations that clients send, each validated against the present schema.

    The files of a folder share their fragments. An earlier manifest, named too, keeps older clients served. Ends with
    0; with 1 if an operation is invalid (each is named by file and line, and nothing is written); with 2 if a place
    can't be read.
    """
    from gateway.execution.compat import graphql_schema
    from gateway.persisted_documents.extraction import extract
    from gateway.persisted_documents.manifest import InvalidManifest, encode_manifest
    from gateway.schema.builder import build_schema

    try:
        collected = extract(places, graphql_schema(build_schema()))
    except InvalidManifest as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    for diagnostic in collected.diagnostics:
        typer.echo(str(diagnostic), err=True)
    if collected.diagnostics:
        raise typer.Exit(1)
    out.write_bytes(encode_manifest(collected.operations))
    typer.echo(f"{out}: {len(collected.operations)} documents")
