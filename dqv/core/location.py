"""Where data lies: what is known of it openly, and apart from that the credentials that open it."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

from dqv.core.errors import UsageError


class Location(BaseModel):
    """One place that holds data of a dataset; nothing in it is secret.

    Attributes:
        url: path of a folder, or a URL such as s3://BUCKET/PREFIX or https://HOST/FOLDER/.
        name: what its paths begin with, where a dataset has several; else empty.
        endpoint: of an S3-compatible store; None: what the environment says.
        region: idem.
        networks: of the addresses that are allowed beside those of the public internet; None: whoever runs dqv chose
            the address, and any is allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    name: str = ""
    endpoint: str | None = None
    region: str | None = None
    networks: tuple[str, ...] | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return "://" not in self.url


def located(source: str) -> Location:
    """What the user calls a source: the path of a folder, or a URL.

    Raises:
        UsageError: a URL that cannot be used.
    """
    if "://" not in source:
        return Location(url=os.fspath(Path(source).resolve()))
    parts = urlsplit(source)
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            f"{parts.scheme}://…@{parts.hostname}: credentials in an address end in logs; give them by the environment"
        )
    if parts.scheme == "http":
        raise UsageError(f"{source}: what comes over http may be anybody's; give an https address")
    if parts.scheme in ("file", "local"):
        raise UsageError(f"{source}: give the path of the folder itself")
    if parts.scheme == "https" and parts.query:
        raise UsageError(
            f"https://{parts.hostname}{parts.path}?…: what stands behind the ? may be a secret, and an address stands in the "
            "report; give one without"
        )
    return Location(url=source)


def as_args(source: Sequence[Location]) -> list[dict[str, Any]]:
    """Locations as the arguments of a task."""
    return [each.model_dump() for each in source]


def named(source: Sequence[Location]) -> str:
    """Locations as a user reads them."""
    return ", ".join(each.url for each in source)


class Credentials(BaseModel):
    """By which a store lets dqv read; they stand in no report, log or message, and in no part or its identity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    access_key: SecretStr
    secret_key: SecretStr
    session_token: SecretStr | None = None

    def as_secrets(self) -> dict[str, str]:
        """Themselves, for the process that opens the location."""
        return {name: each.get_secret_value() for name, each in self if each is not None}


_known: dict[str, Credentials] = {}


def unlock(secrets: Mapping[str, Mapping[str, str]]) -> None:
    """From now on this process opens these locations, by their URLs, with these credentials."""
    _known.update({url: Credentials.model_validate(each) for url, each in secrets.items()})


def secrets_of(source: Sequence[Location]) -> dict[str, dict[str, str]]:
    """What `unlock` was told of these locations."""
    return {each.url: _known[each.url].as_secrets() for each in source if each.url in _known}


def credentials(url: str) -> Credentials | None:
    """What opens a location; None: what the environment says."""
    return _known.get(url)
