#!/usr/bin/env bash
# Installs the release that lies around this script into $PAYME_HOME/releases/<name> and points $PAYME_HOME/current at it.
# Usage: install_release.sh [name]        (as the user that owns $PAYME_HOME, by default /opt/payme)
#        install_release.sh --back        points `current` at the release before it
# It starts and stops nothing. The five newest releases are kept.
set -euo pipefail

source_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
home="${PAYME_HOME:-/opt/payme}"
keep=5

say() { printf '%s\n' "install_release: $*" >&2; }

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
    if [[ -n "${candidate}" ]] && "${candidate}" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s\n' "${candidate}"
      return
    fi
  done
  say 'Python 3.11 or newer is needed; name it with PYTHON=/path/to/python3.11'
  exit 1
}

# `current` is replaced by a rename, so there is no moment without it.
point_at() {
  ln -s "releases/$1" "${home}/.current.$$"
  mv -T "${home}/.current.$$" "${home}/current"
  say "current is now $1"
}

go_back() {
  local current before
  current="$(basename "$(readlink "${home}/current")")"
  before="$(cat "${home}/releases/${current}/.before" 2>/dev/null || true)"
  if [[ -z "${before}" || ! -x "${home}/releases/${before}/bin/payme" ]]; then
    say "there is no release before ${current}"
    exit 1
  fi
  point_at "${before}"
}

install() {
  local name="$1" python target build before
  target="${home}/releases/${name}"
  if [[ -e "${target}/.complete" ]]; then
    say "${name} is installed already"
  else
    python="$(find_python)"
    build="$(mktemp -d)"
    # The folder of this run, whatever the variable holds later.
    # shellcheck disable=SC2064
    trap "rm -rf '${build}'" EXIT
    rm -rf "${target}"
    mkdir -p "${home}/releases"
    export UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never PIP_DISABLE_PIP_VERSION_CHECK=1
    say 'fetching uv, by hash'
    "${python}" -m venv "${build}/tools"
    "${build}/tools/bin/python" -m pip install --quiet --require-hashes --requirement "${source_dir}/requirements/uv.txt"
    say 'installing the dependencies, by hash'
    "${python}" -m venv --without-pip "${target}"
    "${build}/tools/bin/uv" pip install --quiet --python "${target}/bin/python" --require-hashes --compile-bytecode \
      --requirement "${source_dir}/requirements/runtime.txt"
    say 'building and installing PayMe'
    "${build}/tools/bin/uv" build --quiet --python "${build}/tools/bin/python" --wheel --require-hashes \
      --build-constraints "${source_dir}/requirements/dev.txt" --out-dir "${build}/dist" "${source_dir}"
    "${build}/tools/bin/uv" pip install --quiet --python "${target}/bin/python" --no-deps --compile-bytecode "${build}"/dist/*.whl
    touch "${target}/.complete"
  fi
  before="$(basename "$(readlink "${home}/current" || true)")"
  if [[ -n "${before}" && "${before}" != "${name}" ]]; then
    printf '%s\n' "${before}" >"${target}/.before"
  fi
  point_at "${name}"
}

# What `current` points at and the release before it are never removed.
prune() {
  local current before old
  current="$(basename "$(readlink "${home}/current")")"
  before="$(cat "${home}/releases/${current}/.before" 2>/dev/null || true)"
  find "${home}/releases" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %f\n' | sort -rn | tail -n "+$((keep + 1))" |
    while read -r _ old; do
      if [[ "${old}" != "${current}" && "${old}" != "${before}" ]]; then
        say "removing the old release ${old}"
        rm -rf "${home:?}/releases/${old:?}"
      fi
    done
}

case "${1:-}" in
  --back) go_back ;;
  -*) say "usage: install_release.sh [name | --back]"; exit 2 ;;
  *)
    name="${1:-$(git -C "${source_dir}" rev-parse --short=12 HEAD 2>/dev/null || date -u +%Y%m%d%H%M%S)}"
    if [[ ! "${name}" =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]]; then
      say "${name} is no name for a release"
      exit 2
    fi
    install "${name}"
    prune
    ;;
esac
