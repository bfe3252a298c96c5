#!/usr/bin/env bash
# Brings one revision to one place, says what it does, and ends with 0 only when the new process answers healthy.
# Usage: deploy.sh render|railway|ssh|helm|hook
#
# For every target:
#   HEALTH_URL       https://…/health, asked afterwards. Required.
#   REVISION         commit to deploy; HEAD of this checkout unless given
#   DEPLOY_SECONDS   how long the new process may take to answer; 900 unless given
#   POLL_SECONDS     pause between two questions; 5 unless given
# render   RENDER_API_KEY, RENDER_SERVICES (ids, "srv-… srv-…", the API first)
# railway  RAILWAY_TOKEN (of the project and environment), RAILWAY_SERVICES (names, the API first); needs the railway program
# ssh      SSH_TARGET (user@host), its key loaded in ssh; the user owns /opt/payme and may restart the two units by sudo
# helm     IMAGE (…@sha256:…); HELM_VALUES (path of a values file) if there is one, HELM_CHART (path or oci://…) where it is not
#          deploy/helm/payme, HELM_RELEASE and HELM_NAMESPACE, payme unless given. Needs Helm 3.14 or newer.
# hook     HOOK_URL, DEPLOY_TOKEN; gets {"revision": …, "image": …} by POST with the token as bearer. IMAGE is optional.
# Secrets reach other programs through their environment or standard input, never through arguments, which every user can see.
set -euo pipefail

say() { printf 'deploy: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
need() {
  local name
  for name in "$@"; do
    [[ -n "${!name:-}" ]] || die "${name} is not set"
  done
}
need_program() { command -v "$1" >/dev/null || die "the program $1 is not installed"; }

# call METHOD URL TOKEN [JSON]: one call, its token out of sight; prints the answer's body, fails unless it is 2xx.
call() {
  local body=() status answer
  [[ -z "${4:-}" ]] || body=(--header 'Content-Type: application/json' --data "$4")
  answer="$(printf 'header = "Authorization: Bearer %s"\n' "$3" |
    curl --silent --show-error --max-time 60 --config - --request "$1" "${body[@]}" --write-out '\n%{http_code}' "$2")" ||
    die "$2 could not be reached"
  status="${answer##*$'\n'}"
  [[ "${status}" == 2?? ]] || die "$2 answered ${status}: ${answer%$'\n'*}"
  printf '%s\n' "${answer%$'\n'*}"
}

# A process that is younger than this deployment is the new one, unless it names another commit: the old one may answer long after
# it was told to go, and may have been started again.
wait_until_new_and_healthy() {
  local began="$1" answer status uptime release elapsed seconds="${DEPLOY_SECONDS:-900}"
  say "asking ${HEALTH_URL} for up to ${seconds} s"
  while true; do
    elapsed=$((SECONDS - began))
    answer="$(curl --silent --max-time 10 --write-out '\n%{http_code}' "${HEALTH_URL}" || true)"
    status="${answer##*$'\n'}"
    uptime="$(sed -nE 's/.*"uptime_seconds": *([0-9]+).*/\1/p' <<<"${answer}")"
    release="$(sed -nE 's/.*"release": *"([0-9a-f]{40})".*/\1/p' <<<"${answer}")"
    if [[ "${status}" == 200 && -n "${uptime}" && "${uptime}" -le "${elapsed}" && "${release:-${REVISION}}" == "${REVISION}" ]]; then
      say "healthy, and up for ${uptime} s"
      return
    fi
    ((elapsed < seconds)) || die "no new healthy process within ${seconds} s; the last answer: ${answer//$'\n'/ }"
    sleep "${POLL_SECONDS:-5}"
  done
}

deploy_render() {
  local service
  need RENDER_API_KEY RENDER_SERVICES
  for service in ${RENDER_SERVICES}; do
    say "render: ${service} shall run ${REVISION}"
    call POST "${RENDER_API_URL:-https://api.render.com/v1}/services/${service}/deploys" "${RENDER_API_KEY}" \
      "{\"commitId\": \"${REVISION}\"}" >/dev/null
  done
}

deploy_railway() {
  local service folder
  need RAILWAY_TOKEN RAILWAY_SERVICES
  need_program railway
  folder="$(mktemp -d)"
  # The folder of this run, whatever the variable holds later.
  # shellcheck disable=SC2064
  trap "rm -rf '${folder}'" EXIT
  git archive "${REVISION}" | tar -x -C "${folder}"
  for service in ${RAILWAY_SERVICES}; do
    say "railway: ${service} is built from ${REVISION} and started"
    (cd "${folder}" && railway up --ci --service "${service}")
  done
}

deploy_ssh() {
  local name="${REVISION:0:12}"
  need SSH_TARGET
  need_program ssh
  say "ssh: installing ${name} on ${SSH_TARGET}"
  git archive "${REVISION}" | ssh -o BatchMode=yes "${SSH_TARGET}" \
    "set -eu; folder=\$(mktemp -d); trap 'rm -rf \"\$folder\"' EXIT; tar -x -C \"\$folder\"; \"\$folder/deploy/scripts/install_release.sh\" ${name}"
  say "ssh: restarting API and worker on ${SSH_TARGET}; each migrates first"
  ssh -o BatchMode=yes "${SSH_TARGET}" 'sudo systemctl restart payme-api.service payme-worker.service'
}

deploy_helm() {
  local values=() chart="${HELM_CHART:-}"
  [[ -n "${chart}" ]] || chart="$(dirname "${BASH_SOURCE[0]}")/../helm/payme"
  need IMAGE
  need_program helm
  [[ "${chart}" == oci://* || -e "${chart}" ]] || die "there is no chart at ${chart}"
  [[ -z "${HELM_VALUES:-}" || -f "${HELM_VALUES}" ]] || die "there is no values file at ${HELM_VALUES}"
  [[ "${IMAGE}" == *@sha256:* ]] || die 'IMAGE has to end with its digest: …@sha256:…'
  [[ -z "${HELM_VALUES:-}" ]] || values=(--values "${HELM_VALUES}")
  say "helm: ${HELM_RELEASE:-payme} in ${HELM_NAMESPACE:-payme} shall run ${IMAGE}"
  # What was set at the last release stays, on top of what this chart has of its own: a newer one may know more.
  helm upgrade "${HELM_RELEASE:-payme}" "${chart}" --install --namespace "${HELM_NAMESPACE:-payme}" --atomic --wait \
    --timeout "${DEPLOY_SECONDS:-900}s" --reset-then-reuse-values "${values[@]}" --set-string "image.repository=${IMAGE%@*}" \
    --set-string "image.digest=${IMAGE#*@}"
}

deploy_hook() {
  need HOOK_URL DEPLOY_TOKEN
  say "hook: ${HOOK_URL%%\?*} is told of ${REVISION}"
  call POST "${HOOK_URL}" "${DEPLOY_TOKEN}" "{\"revision\": \"${REVISION}\", \"image\": \"${IMAGE:-}\"}" >/dev/null
}

target="${1:-}"
case "${target}" in
  render | railway | ssh | helm | hook) ;;
  *) say 'usage: deploy.sh render|railway|ssh|helm|hook (what each needs stands at the top of this file)'; exit 2 ;;
esac
need HEALTH_URL
need_program curl
REVISION="${REVISION:-$(git rev-parse HEAD)}"
[[ "${REVISION}" =~ ^[0-9a-f]{40}$ ]] || die "REVISION has to be a whole commit id, not ${REVISION}"
began="${SECONDS}"
"deploy_${target}"
wait_until_new_and_healthy "${began}"
