#!/usr/bin/env bash
# Asks a running deployment what a stranger can ask, and changes nothing.
# Usage: smoke.sh https://pay.example.co.ke
set -euo pipefail

base="${1:?usage: smoke.sh BASE_URL}"
base="${base%/}"
failed=0

# ask WHAT METHOD PATH STATUS [WORD]: the answer has that status, and the word in its body.
ask() {
  local what="$1" method="$2" path="$3" wanted="$4" word="${5:-}" answer status body
  answer="$(curl --silent --show-error --max-time 15 --request "${method}" --write-out '\n%{http_code}' "${base}${path}" 2>&1)" || true
  status="${answer##*$'\n'}"
  body="${answer%$'\n'*}"
  if [[ "${status}" == "${wanted}" && "${body}" == *"${word}"* ]]; then
    printf 'ok      %s\n' "${what}"
  else
    printf 'failed  %s: %s %s gave %s, not %s with "%s": %.300s\n' "${what}" "${method}" "${path}" "${status}" "${wanted}" "${word}" "${body}"
    failed=1
  fi
}

ask 'the process answers' GET /livez 200 alive
ask 'it wants traffic: database reached, schema at its head' GET /readyz 200 '"ready"'
ask 'it is healthy' GET /health 200 '"healthy"'
ask 'it describes its API' GET /openapi.json 200 '"openapi"'
ask 'a stranger is asked who he is' GET /v1/sessions 401
ask 'an invented callback is not believed' POST /d/0000000000000000000000000000000000000000/stk 404
ask 'what does not exist is not found' GET /v1/nothing-of-this-name 404
exit "${failed}"
