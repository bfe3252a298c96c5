"""Renders `deploy/helm/payme/values.schema.json`: what a values file may say; `tools.generate_docs` writes it.

The names of settings and secrets are those of the product. Invariant: a secret cannot be written among the settings of a values
file, and a misspelt name is refused by `helm lint`, before anything reaches a cluster.
"""

import json
from typing import Any

from pydantic import SecretStr

from payme.runtime.settings import GROUPS

# What templates/_helpers.tpl sets itself, and what belongs to no deployment.
SET_BY_THE_CHART = {"HOST", "PORT", "PUBLIC_BASE_URL", "WORKER_METRICS_PORT", "RELEASE"}
NOT_DEPLOYED = {"FAULT_POINT", "SIM_PORT"}
# In Secrets of their own: a database's address, and what only the commands of backups may see.
ELSEWHERE = {"DATABASE_URL", "DATABASE_DIRECT_URL", "BACKUP_S3_ACCESS_KEY", "BACKUP_S3_SECRET_KEY", "BACKUP_IDENTITY"}
# Best changed together with what they belong to.
NO_SECRET_BUT_A_FILE = {"MPESA_CERTIFICATE", "ENCRYPTION_KEY_ID"}
Schema = dict[str, Any]


def secret_names() -> set[str]:
    """Return the variables whose values are secrets."""
    fields = {name: field for group in GROUPS for name, field in group.model_fields.items()}
    return {name.upper() for name, field in fields.items() if SecretStr.__name__ in repr(field.annotation)}


def setting_names() -> set[str]:
    """Return the variables that a values file may set as text."""
    names = {name.upper() for group in GROUPS for name in group.model_fields}
    return names - secret_names() - SET_BY_THE_CHART - NOT_DEPLOYED


def key_names() -> set[str]:
    """Return the variables that may be keys of the one Secret of the processes."""
    return (secret_names() - ELSEWHERE) | NO_SECRET_BUT_A_FILE


def render() -> str:
    """Return the whole text of the schema."""
    whole = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of PayMe's chart",
        **_object(_top()),
    }
    return json.dumps(whole, indent=2) + "\n"


def _object(properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _open() -> Schema:
    return {"type": "object"}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "minLength": 1}
SWITCH: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 1}


def _image() -> Schema:
    digest = {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"}
    policy = {"enum": ["IfNotPresent", "Always", "Never"]}
    return _object({"repository": NAME, "tag": TEXT, "digest": digest, "pullPolicy": policy})


def _processes() -> Schema:
    scaling = _object({"enabled": SWITCH, "minReplicas": COUNT, "maxReplicas": COUNT, "targetCPUPercent": COUNT})
    return _object({"replicas": COUNT, "resources": _open(), "autoscaling": scaling})


def _database() -> Schema:
    return _object(
        {
            "enabled": SWITCH,
            "instances": COUNT,
            "imageName": NAME,
            "storage": _object({"size": NAME, "storageClass": TEXT}),
            "walStorage": _object({"size": NAME, "storageClass": TEXT}),
            "synchronousStandbys": {"type": "integer", "minimum": 0},
            "parameters": {"type": "object", "additionalProperties": TEXT},
            "resources": _open(),
        }
    )


def _jobs() -> Schema:
    job = _object({"enabled": SWITCH, "schedule": NAME, "command": {**_list(NAME), "minItems": 1}})
    return {"type": "object", "propertyNames": {"pattern": "^[a-z][a-z-]{0,10}$"}, "additionalProperties": job}


def _top() -> Schema:
    keys = {**_list({"enum": sorted(key_names())}), "uniqueItems": True}
    return {
        "nameOverride": TEXT,
        "fullnameOverride": TEXT,
        "image": _image(),
        "imagePullSecrets": _list(_object({"name": NAME})),
        "host": {"type": "string", "format": "hostname", "minLength": 1},
        "settings": {
            "type": "object",
            "propertyNames": {"enum": sorted(setting_names())},
            "additionalProperties": {"type": ["string", "integer", "boolean"]},
        },
        "secrets": _object({"existingSecret": NAME, "keys": keys}),
        "database": _object({"existingSecret": NAME, "key": NAME, "directKey": TEXT}),
        "cloudnativepg": _database(),
        "migrations": _object({"as": {"enum": ["job", "initContainer"]}, "seconds": COUNT}),
        "api": _processes(),
        "worker": _object({"replicas": COUNT, "resources": _open()}),
        "terminationGracePeriodSeconds": {"type": "integer", "minimum": 40},
        "secondsBeforeStop": COUNT,
        "service": _object({"port": COUNT}),
        "ingress": _object({"enabled": SWITCH, "className": NAME, "annotations": _open(), "tlsSecret": NAME}),
        "httpRoute": _object({"enabled": SWITCH, "parentRefs": _list(_open())}),
        "networkPolicy": _object({"enabled": SWITCH, "ingressFrom": _list(_open()), "extraEgress": _list(_open())}),
        "serviceMonitor": _object({"enabled": SWITCH, "interval": NAME, "labels": _open()}),
        "jobs": _jobs(),
        "jobResources": _open(),
        "drillDisk": NAME,
        "backup": _object({"existingSecret": TEXT, "identitySecret": TEXT}),
        "serviceAccount": _object({"annotations": _open()}),
        "podAnnotations": _open(),
        "nodeSelector": _open(),
        "tolerations": _list(_open()),
    }
