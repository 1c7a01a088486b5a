"""``coordinator credentials new``: a fresh access key, and its entry for the credentials file."""

from __future__ import annotations

import json
import secrets
import string
from typing import TYPE_CHECKING

from coordinator.config import ConfigError
from coordinator.domain.credentials import CredentialsError, read_credentials

if TYPE_CHECKING:
    from collections.abc import Sequence

ID_LETTERS = string.ascii_uppercase + "234567"
SECRET_BYTES = 30  # 40 characters, as AWS's have


def new(roles: Sequence[str], groups: Sequence[str], account: str, comment: str) -> str:
    """Make an access key; return a text that is its entry, with the pair for its user in comments.

    Raises:
        ConfigError: the entry would not be accepted.
    """
    key = "CO" + "".join(secrets.choice(ID_LETTERS) for _ in range(18))
    secret = secrets.token_urlsafe(SECRET_BYTES)
    members = {
        "access_key_id": key,
        "secret_access_key": secret,
        "account": account,
        "roles": list(roles),
        "worker_groups": list(groups),
        "comment": comment,
    }
    lines = [f"{name} = {_toml(value)}" for name, value in members.items() if value]
    entry = "\n".join(["[[credential]]", *lines, ""])
    try:
        read_credentials(entry)
    except CredentialsError as error:
        raise ConfigError(str(error).replace("Credential 1: ", "")) from None
    user = f"# For its user:\n#   AWS_ACCESS_KEY_ID={key}\n#   AWS_SECRET_ACCESS_KEY={secret}\n"
    return f"{entry}{user}"


def _toml(value: object) -> str:
    """Write texts and lists of them: JSON is TOML there, but for DEL, which nobody types."""
    return json.dumps(value, ensure_ascii=False)
