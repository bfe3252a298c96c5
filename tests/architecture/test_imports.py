"""The import contracts hold, and the one that is ours breaks when it should."""

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tools.import_contracts.feature_face import FeatureFaceContract

ROOT = Path(__file__).resolve().parents[2]


def test_every_contract_is_kept():
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(program), "--no-cache"], cwd=ROOT, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("importer", "kept"),
    [
        ("payme.features.sales.services", False),
        ("payme.runtime.jobs", False),
        ("payme.features.salesroom", False),
        ("payme.features.payments.services", True),
        ("payme.entrypoints.api", True),
    ],
)
def test_a_feature_is_entered_at_its_face(importer: str, kept: bool):
    graph = grimp.ImportGraph()
    for module in ("payme.features", "payme.features.payments", "payme.features.payments.repository", importer):
        graph.add_module(module)
    graph.add_import(importer=importer, imported="payme.features.payments.repository")
    graph.add_import(importer=importer, imported="payme.features.payments")
    contract = FeatureFaceContract(
        name="face",
        session_options={"root_packages": ["payme"]},
        contract_options={"features_package": "payme.features", "allowed_importers": ["payme.entrypoints"]},
    )
    assert contract.check(graph, verbose=False).kept is kept
