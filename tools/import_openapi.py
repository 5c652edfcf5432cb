r"""Write JSON Schemas (2020-12) for Ed-Fi resources from a host's OpenAPI document.

This is how ``fixtures/schemas/<data standard>/`` is made, and how a new data standard is added:

    python tools/import_openapi.py openapi.json --descriptors descriptors.json \
        --out fixtures/schemas/5.0 students schools studentCTEProgramAssociations

``openapi.json`` is a Swagger 2.0 or OpenAPI 3 document; ``descriptors.json`` maps each
``…Descriptor`` property to the descriptor it takes its values from
(``{"descriptorOfProperty": {property: uri}}``). The conversion itself is the package's, which
reads a state's extension the same way.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pytest_edfi_cte.openapi_document import read
from pytest_edfi_cte.openapi_import import ED_FI, Importer


def main(arguments: list[str] | None = None) -> None:
    """Entry point; ``arguments`` defaults to the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("openapi", type=Path)
    parser.add_argument("--descriptors", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("resources", nargs="+")
    options = parser.parse_args(arguments)
    named = json.loads(options.descriptors.read_text(encoding="utf-8"))["descriptorOfProperty"]

    def descriptor_of(name: str, _: str) -> str:
        uri = named.get(name)
        return str(uri).rsplit("/", 1)[1] if uri else name[0].upper() + name[1:]

    importer = Importer(read(options.openapi), descriptor_of, options.out.name)
    options.out.mkdir(parents=True, exist_ok=True)
    for collection in options.resources:
        schema = importer.schema(ED_FI, collection)
        target = options.out / (schema["title"].split(",")[0] + ".json")
        target.write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
