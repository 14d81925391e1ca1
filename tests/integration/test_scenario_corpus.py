"""Documents of public APIs, which nobody wrote for us; `benchmarks scenario` takes all 2,639."""

import shutil

import pytest

from benchmarks import scenario
from hack import openapi_corpus
from tests.conftest import require_layer

LARGEST = 1 << 20


@pytest.mark.timeout(300)
def test_documents_of_public_apis_give_plans_whose_values_fit_their_schemas() -> None:
    require_layer("npm", None if shutil.which("npm") else "npm not found; install npm")
    small = [file for file in openapi_corpus.ensure() if file.stat().st_size < LARGEST]
    found = scenario.Counted()
    for file in small[::60]:
        found.add(scenario.planned(file))
        found.add(scenario.judged(file))
    assert found.faults == []
    assert found.documents["plan"] > 30
    assert found.judged["valid"] >= 0.99 * found.judged.total()
    assert found.ids["own: answered"] >= 0.8 * found.ids["own"]
