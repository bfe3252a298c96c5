#!/usr/bin/env bash
# deploy.sh for a workflow: takes DEPLOY_TARGET from a variable, and gives ssh its key and the hosts it may believe in.
# SSH_KEY is a private key, SSH_KNOWN_HOSTS what `ssh-keyscan` printed for the host, compared by a person.
set -euo pipefail

scripts="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
if [[ "${DEPLOY_TARGET:?}" == ssh ]]; then
  : "${SSH_KEY:?}" "${SSH_KNOWN_HOSTS:?}"
  mkdir -p "${HOME}/.ssh"
  chmod 700 "${HOME}/.ssh"
  printf '%s\n' "${SSH_KNOWN_HOSTS}" >>"${HOME}/.ssh/known_hosts"
  eval "$(ssh-agent -s)" >/dev/null
  trap 'kill "${SSH_AGENT_PID}"' EXIT
  ssh-add -q - <<<"${SSH_KEY}"
  unset SSH_KEY
fi
if [[ "${DEPLOY_TARGET}" == railway ]] && ! command -v railway >/dev/null; then
  printf 'deploy: fetching the railway program %s\n' "${RAILWAY_CLI:=5.63.1}" >&2
  npm install --global --silent "@railway/cli@${RAILWAY_CLI}"
fi
"${scripts}/deploy.sh" "${DEPLOY_TARGET}"
