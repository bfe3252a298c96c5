"""render.yaml and railway*.json use only documented fields, and say the same as the image and the settings.

Fields: Render's Blueprint reference and Railway's config reference as read in November 2026; the platforms themselves are not asked.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from payme.runtime.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SERVICE = {
    *(
        "type",
        "name",
        "runtime",
        "plan",
        "region",
        "dockerfilePath",
        "dockerContext",
        "dockerCommand",
        "preDeployCommand",
    ),
    *(
        "healthCheckPath",
        "autoDeployTrigger",
        "maxShutdownDelaySeconds",
        "numInstances",
        "envVars",
        "buildFilter",
        "domains",
    ),
}
DATABASE = {
    *("name", "plan", "region", "postgresMajorVersion", "databaseName", "user", "diskSizeGB", "ipAllowList"),
    *("readReplicas", "highAvailability"),
}
SOURCES = {"value", "generateValue", "sync", "fromDatabase", "fromService"}
RAILWAY = {
    "build": {"builder", "dockerfilePath", "watchPatterns"},
    "deploy": {
        *("startCommand", "preDeployCommand", "healthcheckPath", "healthcheckTimeout", "restartPolicyType"),
        *("restartPolicyMaxRetries", "overlapSeconds", "drainingSeconds"),
    },
}
COMMANDS = {"payme api", "payme worker", "payme migrate up"}


@pytest.fixture(scope="module")
def blueprint() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed here")
    return yaml.safe_load((ROOT / "render.yaml").read_text(encoding="utf-8"))


def railway(name: str) -> dict[str, Any]:
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


def variables(service: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["key"]: each for each in service["envVars"] if "key" in each}


def test_render_gets_documented_fields_only(blueprint: dict[str, Any]):
    assert set(blueprint) <= {"services", "databases", "envVarGroups", "previews"}
    assert [set(each) - SERVICE for each in blueprint["services"]] == [set(), set()]
    assert [set(each) - DATABASE for each in blueprint["databases"]] == [set()]
    assert blueprint["previews"] == {"generation": "off"}


def test_render_runs_an_api_that_migrates_first_and_a_worker(blueprint: dict[str, Any]):
    api, worker = blueprint["services"]
    assert (api["type"], api["dockerCommand"], api["preDeployCommand"]) == ("web", "payme api", "payme migrate up")
    assert (worker["type"], worker["dockerCommand"], "preDeployCommand" in worker) == ("worker", "payme worker", False)
    assert api["healthCheckPath"] == "/readyz"
    assert "healthCheckPath" not in worker
    assert "free" not in {api["plan"], worker["plan"]}


def test_render_keeps_the_database_closed_and_new_enough(blueprint: dict[str, Any]):
    (database,) = blueprint["databases"]
    assert database["ipAllowList"] == []
    assert int(database["postgresMajorVersion"]) >= 15


def test_every_variable_on_render_is_a_setting_from_one_source(blueprint: dict[str, Any]):
    known = {name.upper() for name in Settings.model_fields}
    for holder in [*blueprint["services"], *blueprint["envVarGroups"]]:
        for name, each in variables(holder).items():
            assert name in known, name
            assert len(set(each) & SOURCES) == 1, name
            assert set(each) - SOURCES == {"key"}, name
    for group in blueprint["envVarGroups"]:
        assert all("value" in each or "generateValue" in each for each in group["envVars"]), "groups hold no references"


def test_both_processes_on_render_hold_the_same_keys(blueprint: dict[str, Any]):
    api, worker = (variables(each) for each in blueprint["services"])
    assert set(api) == set(worker) - {"PUBLIC_BASE_URL"}
    for name, each in worker.items():
        if name not in {"DATABASE_URL", "PUBLIC_BASE_URL"}:
            assert each["fromService"] == {"name": "payme-api", "type": "web", "envVarKey": name}
    for name in ("ENCRYPTION_KEY", "BLIND_INDEX_KEY"):
        assert api[name] == {"key": name, "sync": False}, "generateValue makes no 64 hexadecimal digits"


def test_no_secret_stands_in_the_blueprint(blueprint: dict[str, Any]):
    written = {each["key"]: each["value"] for group in blueprint["envVarGroups"] for each in group["envVars"]}
    assert written == {"APP_ENV": "staging", "MPESA_ENVIRONMENT": "sandbox"}
    assert [
        name for service in blueprint["services"] for name, each in variables(service).items() if "value" in each
    ] == []


@pytest.mark.parametrize("name", ["railway.json", "railway.worker.json"])
def test_railway_gets_documented_fields_only(name: str):
    config = railway(name)
    assert set(config) == {"$schema", "build", "deploy"}
    for part, fields in RAILWAY.items():
        assert set(config[part]) <= fields
    assert config["build"] == {"builder": "DOCKERFILE", "dockerfilePath": "Dockerfile"}
    assert all(isinstance(config["deploy"].get(each, ""), str) for each in ("overlapSeconds", "drainingSeconds"))


def test_railway_runs_an_api_that_migrates_first_and_a_worker():
    api, worker = railway("railway.json")["deploy"], railway("railway.worker.json")["deploy"]
    assert (api["startCommand"], api["preDeployCommand"], api["healthcheckPath"]) == (
        "payme api",
        ["payme migrate up"],
        "/readyz",
    )
    assert worker["startCommand"] == "payme worker"
    assert {"healthcheckPath", "preDeployCommand"} & set(worker) == set()


def test_railway_accepts_the_dockerfile_without_cache_mounts():
    assert "--mount=type=cache" not in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_every_platform_runs_the_same_three_commands(blueprint: dict[str, Any]):
    texts = [
        (ROOT / name).read_text(encoding="utf-8") for name in ("render.yaml", "railway.json", "railway.worker.json")
    ]
    assert {found for text in texts for found in re.findall(r"payme (?:api|worker|migrate \w+)", text)} == COMMANDS
    assert len(blueprint["services"]) == 2
