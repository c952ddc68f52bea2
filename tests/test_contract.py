"""The OpenAPI document tells the truth: schemathesis finds nothing else, and every problem is in it."""

import re
from collections.abc import Iterator

import pytest

from api.app import create_app
from api.contract import FAULTS, OPERATIONS
from api.problems import CATALOGUE

from conftest import Services, running_services
from contract import checked


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A stack of its own, which gets full of jobs and webhooks."""
    with running_services(tmp_path_factory.mktemp("contract")) as running:
        running.spawn("api")
        running.spawn("worker")
        running.wait_ready()
        yield running


def test_schemathesis_finds_nothing(own: Services) -> None:
    done = checked(own.url, "--max-examples", "3", "--seed", "1")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested
    assert int(tested[1]) == len(OPERATIONS)


def test_every_operation_and_every_problem_is_listed() -> None:
    document = create_app().openapi()
    found = {
        f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods
    }
    assert found == OPERATIONS.keys()
    told = {
        each.removeprefix("/problems/")
        for methods in document["paths"].values()
        for operation in methods.values()
        for response in operation["responses"].values()
        for content in response.get("content", {}).values()
        for each in content.get("schema", {}).get("properties", {}).get("type", {}).get("enum", ())
    }
    assert told | set(FAULTS) == CATALOGUE.keys()


def test_no_reference_leads_nowhere() -> None:
    document = create_app().openapi()
    for name in re.findall(r"'\$ref': '([^']*)'", str(document)):
        assert name.removeprefix("#/components/schemas/") in document["components"]["schemas"], name
