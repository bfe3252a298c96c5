"""The contract that features meet only at their face.

A face is the `__init__.py` of a feature: its docstring says what the feature is, its names are what others may use.
Invariant: outside `payme.features.x`, nobody imports `payme.features.x.anything`, save the importers that are named.
"""

from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


def within(module: str, package: str) -> bool:
    """Say whether a dotted module name is the package or lies below it."""
    return module == package or module.startswith(f"{package}.")


class FeatureFaceContract(Contract):
    """Features may be imported from outside through their package face alone.

    `features_package` holds the features, one package each. `allowed_importers` may reach inside: wiring that must
    name endpoints and tasks to mount them.
    """

    features_package = fields.StringField()
    allowed_importers = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001 import-linter's signature
        """Collect every import that enters a feature elsewhere than at its face."""
        del verbose  # the report is one line per leak, however much was asked for
        allowed = cast("list[str]", self.allowed_importers)
        leaks = [
            (importer, module)
            for feature in sorted(graph.find_children(cast("str", self.features_package)))
            for module in sorted(graph.find_descendants(feature))
            for importer in sorted(graph.find_modules_that_directly_import(module))
            if not any(within(importer, insider) for insider in (feature, *allowed))
        ]
        return ContractCheck(kept=not leaks, metadata={"leaks": leaks})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print who reached in, and where the same thing may be imported from."""
        depth = cast("str", self.features_package).count(".") + 2
        for importer, module in cast("list[tuple[str, str]]", check.metadata["leaks"]):
            face = ".".join(module.split(".")[:depth])
            output.print_error(f"{importer} reaches into {module}; import it from {face} instead")
