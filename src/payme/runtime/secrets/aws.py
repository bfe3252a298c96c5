"""Secrets out of AWS Secrets Manager: one secret, a JSON object whose names are settings.

Which one stands in SECRETS_AWS_ID, SECRETS_AWS_REGION and SECRETS_AWS_ENDPOINT, which come from elsewhere; who asks is the machine's
own identity, or AWS's own variables. Invariant: each call is bounded in time and in tries, and no fault shows anything of the secret.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, cast

import boto3  # pyright: ignore[reportMissingTypeStubs] -- the library is untyped
from botocore import exceptions  # pyright: ignore[reportMissingTypeStubs] -- the library is untyped
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs] -- the library is untyped
from pydantic import ConfigDict, TypeAdapter, ValidationError

from payme.runtime.settings import SettingsError
from payme.runtime.settings.groups import Secrecy

_SECONDS: Final = 5
_TRIES: Final = 3
_WHERE: Final = "SECRETS_AWS_ID"
_TEXTS: Final = TypeAdapter(dict[str, str], config=ConfigDict(strict=True, hide_input_in_errors=True))


class AwsSecretsManager:
    """One secret of AWS Secrets Manager."""

    def __init__(self, settings: Secrecy) -> None:
        self._name, self._region = settings.secrets_aws_id, settings.secrets_aws_region
        self._endpoint = settings.secrets_aws_endpoint

    def read(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return the settings that the secret holds, in its present version. Raises: SettingsError."""
        assert names, "nobody asks for nothing"
        return _texts(self._fetch())

    def _fetch(self) -> str:
        try:
            answer = _client(self._region, self._endpoint).get_secret_value(SecretId=self._name)
        except exceptions.ClientError as error:
            details: Any = error.response
            raise SettingsError({_WHERE: f"was refused by AWS Secrets Manager ({details['Error']['Code']})"}) from None
        except (exceptions.BotoCoreError, OSError, ValueError) as error:
            raise SettingsError({_WHERE: f"cannot be read: {type(error).__name__}"}) from None
        return answer.get("SecretString") or ""


@lru_cache(maxsize=1)
def _client(region: str, endpoint: str | None) -> Any:
    settings = Config(
        connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"mode": "standard", "total_max_attempts": _TRIES}
    )
    made = boto3.client(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] -- the library is untyped
        "secretsmanager", region_name=region, endpoint_url=endpoint, config=settings
    )
    return cast("Any", made)


def _texts(secret: str) -> dict[str, str]:
    try:
        return _TEXTS.validate_json(secret)
    except ValidationError:
        raise SettingsError({_WHERE: "names a secret that is no JSON object of texts"}) from None
