"""A stand-in for the Dockerfile's base image, made of Debian packages, and buildah with a store of its own to build upon it.

Nothing is pulled: debootstrap lays out Debian 12, whose Python 3.11 stands in /usr/local as in the official image. Kept under
`.cache`, because making it takes minutes. Needs root; a machine that cannot do it skips with its reason.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".cache" / "image-check"
BASE = "localhost/payme-base"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
# How this machine reaches its registries; a build inside has to go the same way.
PASSED_ON = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "SSL_CERT_FILE", "PIP_CERT", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
MINUTES = 60


def why_not() -> str | None:
    """Return why an image cannot be built here, or None."""
    missing = [name for name in ("buildah", "debootstrap", "apt-get") if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    return None if os.geteuid() == 0 else "debootstrap and buildah's chroot need root"


def words(*arguments: str) -> list[str]:
    """Return a command of buildah upon the store of this folder."""
    places = ["--root", str(HOME / "storage"), "--runroot", str(HOME / "run"), "--storage-driver", "vfs"]
    return ["buildah", *places, *arguments]


def run(*command: str, minutes: int = 20) -> str:
    """Run a command to its end and return what it printed; it must succeed."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=minutes * MINUTES,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def ensure_base() -> str:
    """Return the name of the stand-in, after making it where it is not there yet."""
    if (HOME / "finished").exists():
        return BASE
    HOME.mkdir(parents=True, exist_ok=True)
    sites = run("apt-get", "indextargets", "--format", "$(SITE)", "Codename: bookworm").split()
    if not sites:
        pytest.skip("apt knows no source of Debian 12")
    root = HOME / "root"
    shutil.rmtree(root, ignore_errors=True)
    run(
        "debootstrap",
        "--variant=minbase",
        "--include=python3,python3-venv,ca-certificates",
        "bookworm",
        str(root),
        sites[0],
    )
    run("tar", "--directory", str(root), "--create", "--file", str(HOME / "root.tar"), ".")
    shutil.rmtree(root)
    settings = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    lines = ["FROM scratch", "ADD root.tar /", "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"]
    lines += [f'ENV {name}="{value}"' for name, value in settings.items()]
    if AUTHORITIES.exists():
        shutil.copy(AUTHORITIES, HOME / "authorities.crt")
        lines.append(f"COPY authorities.crt {AUTHORITIES}")
    lines.append('RUN ["python3", "-m", "venv", "/usr/local"]')
    (HOME / "Containerfile").write_text("\n".join(lines) + "\n")
    run(*words("bud", "--isolation", "chroot", "--tag", BASE, "--file", str(HOME / "Containerfile"), str(HOME)))
    (HOME / "root.tar").unlink()
    (HOME / "finished").touch()
    return BASE
