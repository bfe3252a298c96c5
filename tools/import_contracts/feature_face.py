"""The contract that features meet only at their face.

A face is the `__init__.py` of a feature: its docstring says what the feature is, its names are what others may use.
Invariant: outside `payme.features.x`, nobody imports `payme.features.x.anything`, save the importers that are named.
"""

from importlinter import Contract, ContractCheck, fields, output


def within(module: str, package: str) -> bool:
    """Say whether a dotted module name is the package or lies below it."""
    return module == package or module.startswith(f"{package}.")


class FeatureFaceContract(Contract):
    """Features may be imported from outside through their package face alone.

    `features_package` holds the features, one package each. `allowed_importers` may reach inside: wiring that must
    name endpoints and tasks to mount them.
    """

    type_name = "feature_face"

    features_package = fields.StringField()
    allowed_importers = fields.ListField(subfield=fields.StringField())

    def check(self, graph, verbose):
        """Collect every import that enters a feature elsewhere than at its face."""
        del verbose  # the report is one line per leak, however much was asked for
        leaks = [
            (importer, module)
            for feature in sorted(graph.find_children(self.features_package))
            for module in sorted(graph.find_descendants(feature))
            for importer in sorted(graph.find_modules_that_directly_import(module))
            if not within(importer, feature) and not any(within(importer, each) for each in self.allowed_importers)
        ]
        return ContractCheck(kept=not leaks, metadata={"leaks": leaks})

    def render_broken_contract(self, check):
        """Print who reached in, and where the same thing may be imported from."""
        depth = self.features_package.count(".") + 2
        for importer, module in check.metadata["leaks"]:
            face = ".".join(module.split(".")[:depth])
            output.print_error(f"{importer} reaches into {module}; import it from {face} instead")
