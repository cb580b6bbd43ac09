"""Registrations over HTTPS: a file describes a trading platform, and its answers become the record of a dataset.

No two platforms have the same interface, so all that differs is data: addresses, authentication, where in an answer
which field stands (JMESPath), how lists are paged. What a platform answers is hostile text all the same: an applicant
wrote most of it.
"""

import hashlib
import itertools
import os
import re
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, quote_plus, unquote, urlsplit

import httpx
import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    model_validator,
)

from dqv.connectors.addresses import check_url, parse_url, shown
from dqv.connectors.declarations import load
from dqv.connectors.https import Https, Patience
from dqv.core import location
from dqv.core.errors import AddressError, RegistrationError, TrustError, UsageError
from dqv.core.locate import refused
from dqv.core.location import Credentials
from dqv.core.registration import Location, Registration, Said
from dqv.measure.timestamps import parse_day
from dqv.trust import canonical

_MOST_S = 900.0
_MOST_ANSWER_BYTES = 4 * 2**20
_MOST_ANSWERS_BYTES = 32 * 2**20
_MOST_TOKEN_BYTES = 64 * 2**10
_MOST_DOCUMENT_BYTES = 64 * 2**20
_MOST_PAGES = 200
_MOST_CURSOR = 2000
_MOST_ENTRIES = 10_000
_MOST_DOCUMENTS = 100

_NUMBER = re.compile(r"(?=.*\w)[^\s\x00-\x1f\x7f\ud800-\udfff]{1,200}")
_SECRET = re.compile(r"[\x21-\x7e]+")
"""What a header may carry."""


def _address(url: str) -> str:
    try:
        if parse_url(url).query:
            raise ValueError("an address with a query; queries stand in the paths")
    except AddressError as error:
        raise ValueError(str(error)) from error
    return url


def _template(*names: str) -> AfterValidator:
    def check(path: str) -> str:
        try:
            parts = [part[1:] for part in Formatter().parse(path) if part[1] is not None]
        except ValueError:
            parts = []
        if sorted(parts) != sorted((name, "", None) for name in names):
            raise ValueError(f"a path must hold {' and '.join(f'{{{name}}}' for name in names)}, each once")
        return path

    return AfterValidator(check)


def _expression(text: str) -> str:
    try:
        jmespath.compile(text)
    except (JMESPathError, RecursionError) as error:
        raise ValueError("no JMESPath expression") from error
    return text


Url = Annotated[Said, AfterValidator(_address)]
Template = Annotated[Said, _template("number")]
Expression = Annotated[Said, AfterValidator(_expression)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""The name of an environment variable that holds a secret."""


def _mapping(fields: dict[str, Any], *above: str) -> dict[str, Any]:
    for name, value in fields.items():
        if not above and name not in Registration.model_fields:
            raise refused(
                (name,), f"a registration has no such field; it has {', '.join(Registration.model_fields)}"
            )
        if isinstance(value, dict):
            _mapping(value, *above, name)
            continue
        try:
            _expression(value if isinstance(value, str) else "")
        except ValueError as error:
            raise refused((*above, name), str(error)) from error
    return fields


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Header(_Model):
    """A secret in a header of every request."""

    kind: Literal["header"]
    header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$")] = "Authorization"
    prefix: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$")] = ""
    secret_env: Variable


class ClientCredentials(_Model):
    """OAuth2 client credentials (RFC 6749, 4.4): a token, asked for again when it has expired.

    Attributes:
        send: the secret goes in an Authorization header, or in the form.
    """

    kind: Literal["client_credentials"]
    token: Url
    client: Said
    secret_env: Variable
    scope: Said | None = None
    send: Literal["basic", "form"] = "basic"


class NumberedPages(_Model):
    """Pages by a number in the query, until one is empty."""

    kind: Literal["number"]
    parameter: Said
    first: int = Field(default=1, ge=0)
    step: int = Field(default=1, ge=1)


class CursorPages(_Model):
    """Pages by a cursor that the page before names; the last names none."""

    kind: Literal["cursor"]
    parameter: Said
    next: Expression


class Entries(_Model):
    """A list of the record that has an address of its own.

    Attributes:
        field: of the registration.
        items: the list in one answer.
    """

    field: Literal["scenarios", "attestations", "locations"]
    path: Template
    items: Expression
    pages: Annotated[NumberedPages | CursorPages, Field(discriminator="kind")] | None = None


class Store(_Model):
    """Credentials that a record may name, for this endpoint alone."""

    endpoint: Url
    region: Said | None = None
    access_key_env: Variable
    secret_key_env: Variable


class Description(_Model):
    """A platform's interface.

    Attributes:
        base: address under which the paths stand.
        ca: PEM file of the authority to trust instead of the system's; relative to the description.
        networks: that are allowed though they are not on the public internet.
        folders: a folder below which a record may name data as file:///…; without it, nowhere.
        record: path of a dataset's record.
        fields: field of the registration → where it stands in the record.
        documents: path of a document; an entry of `documents` then has an `id`, which goes into it.
        stores: by the name that a record gives as `credentials`.
    """

    name: Said
    base: Url
    ca: Path | None = None
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    folders: Path | None = None
    authentication: Annotated[Header | ClientCredentials, Field(discriminator="kind")] | None = None
    record: Template
    fields: Annotated[dict[str, Any], AfterValidator(_mapping)]
    lists: tuple[Entries, ...] = ()
    documents: Annotated[Said, _template("number", "document")] | None = None
    stores: dict[str, Store] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        named = [*self.fields, *(entries.field for entries in self.lists)]
        if len(named) != len(set(named)):
            raise ValueError("a field stands in `fields` and `lists`, or in two of `lists`")
        return self


@dataclass(frozen=True)
class Platform:
    """A platform that can be asked.

    Attributes:
        secrets: environment variable → its value, of those that the description names.
    """

    description: Description
    secrets: Mapping[str, SecretStr]
    https: Https


@dataclass(frozen=True)
class Registered:
    """What a platform says of a dataset.

    Attributes:
        address: of the platform.
        sha256: hex, of its answers as received: the canonical JSON (RFC 8785) of each, one a line, in the order asked.
    """

    record: Registration
    address: str
    sha256: str


def load_platform(path: Path, environment: Mapping[str, str], patience: Patience | None = None) -> Platform:
    """Read the description of a platform, and its secrets from the environment.

    Raises:
        RegistrationError: the file cannot be used; with line or field.
        UsageError: a variable that it names is not set, or its authority cannot be read.
    """
    description = load(path, Description, "platform")
    secrets = {}
    for name in _variables(description):
        value = environment.get(name, "")
        if not _SECRET.fullmatch(value):
            raise UsageError(
                f"platform {path}: the environment variable {name} is not set to a secret of printable ASCII; set it"
            )
        secrets[name] = SecretStr(value)
    try:
        ca = None if description.ca is None else path.parent / description.ca
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"platform {path}: the authority {description.ca} is no PEM file that can be read"
        ) from error
    if description.folders is not None:
        description = description.model_copy(update={"folders": path.parent / description.folders})
    return Platform(description, secrets, Https(context, description.networks, patience or Patience()))


def _variables(description: Description) -> Iterator[str]:
    if description.authentication is not None:
        yield description.authentication.secret_env
    for store in description.stores.values():
        yield store.access_key_env
        yield store.secret_key_env


def fetch(platform: Platform, number: str) -> Registered:
    """Ask a platform for the record of a dataset.

    Raises:
        AddressError: an address that dqv does not connect to.
        RegistrationError: no answer, none that can be used, or another dataset's record; with address and field.
    """
    if not _NUMBER.fullmatch(number):
        raise UsageError(
            "the registration number must be up to 200 characters without blanks, some of them letters or digits"
        )
    session, description = _Session(platform, number), platform.description
    answer, where = session.json(session.url(description.record))
    try:
        values = _mapped(description.fields, answer, where)
        for entries in description.lists:
            values[entries.field] = list(_entries(session, entries))
        if description.documents is not None:
            _digest_documents(session, description.documents, values.get("attestations"))
        record = _record(platform, values, where)
    except RecursionError:
        raise RegistrationError(f"{where}: the answer is nested too deeply") from None
    if record.certificate is None or record.certificate.number != number:
        raise RegistrationError(
            f"{where}: the answer is not the record of the number asked for; check `certificate.number` among the fields "
            "of the platform's description"
        )
    return Registered(record, description.base, session.digest.hexdigest())


@dataclass(frozen=True)
class Data:
    """Where the data of a record lies.

    Attributes:
        locations: with names, where they are several.
        secrets: by URL, what opens a location.
    """

    locations: tuple[location.Location, ...]
    secrets: Mapping[str, Mapping[str, str]] = field(repr=False)


def data_of(platform: Platform, record: Registration) -> Data:
    """Where `check` reads the data of a record.

    Raises:
        UsageError: no location is named, or one that may not be read.
        AddressError: dqv does not connect there.
    """
    if not record.locations:
        raise UsageError(
            "the record names no location of the data; check `locations` among the fields of the platform"
        )
    found, secrets = [], {}
    for number, each in enumerate(record.locations, 1):
        place = _place(platform, each, str(number) if len(record.locations) > 1 else "")
        found.append(place)
        if isinstance(each.credentials, Credentials):
            secrets[place.url] = each.credentials.as_secrets()
    ends = sorted(each.url.rstrip("/") + "/" for each in found)
    if any(inner.startswith(outer) for outer, inner in itertools.pairwise(ends)):
        raise UsageError(
            "the record names a location of the data twice, or one inside of another; what lies there would count twice"
        )
    return Data(tuple(found), secrets)


def _place(platform: Platform, named: Location, name: str) -> location.Location:
    scheme = named.url.partition("://")[0]
    if scheme == "file":
        return location.Location(url=_folder(platform, named.url), name=name)
    if scheme not in ("s3", "https"):
        raise UsageError(
            "the record's data lies in a store that is not read; s3://, https:// and file:/// (below `folders` of the "
            "platform's description) are"
        )
    inside = platform.description.networks
    url = named.url
    if scheme == "https":
        parsed = parse_url(url)
        if parsed.query:
            raise UsageError(
                "the record's data has an address with a query, which may be a secret; an address stands in the report"
            )
        url = str(parsed)  # in one way of writing
    if scheme == "https" or named.endpoint is not None:
        check_url(named.url if scheme == "https" else str(named.endpoint), inside)
    elif isinstance(named.credentials, Credentials):
        raise UsageError("the record gives credentials for s3:// without the `endpoint` that they are for")
    return location.Location(
        url=url,
        name=name,
        endpoint=named.endpoint,
        region=named.region,
        networks=tuple(map(str, inside)),
    )


def _folder(platform: Platform, url: str) -> str:
    try:
        parts = urlsplit(url)
        path, allowed = Path(unquote(parts.path)).resolve(), platform.description.folders
    except (OSError, ValueError):
        raise UsageError("the record's location of the data is no address") from None
    if parts.netloc or allowed is None or allowed.resolve() not in path.parents:
        raise UsageError(
            "the record's data lies outside the folder that `folders` of the platform's description allows; the record "
            "alone opens no folder of this machine"
        )
    return os.fspath(path)


@dataclass
class _Session:
    """The requests for one record: who asks, and what came.

    Attributes:
        digest: of the answers so far, see `Registered`.
        last: canonical JSON of the last of them.
    """

    platform: Platform
    number: str
    digest: Any = field(default_factory=hashlib.sha256)
    last: bytes = b""
    _token: SecretStr | None = None
    _left_bytes: int = field(default_factory=lambda: _MOST_ANSWERS_BYTES)
    _until: float = field(default_factory=lambda: time.monotonic() + _MOST_S)

    def url(self, path: str, **values: str) -> str:
        """The address of a path, its names filled in so that they stay one part of it."""
        filled = {name: quote(value, safe="") for name, value in {"number": self.number, **values}.items()}
        return f"{self.platform.description.base.rstrip('/')}/{path.format(**filled).lstrip('/')}"

    def json(self, url: str) -> tuple[Any, str]:
        """The JSON at an address, and the address for messages."""
        body, where = self.get(url, _MOST_ANSWER_BYTES)
        try:
            value = canonical.load(body, "the answer")
            canonical_bytes = canonical.dump(_as_doubles(value), "the answer")
        except (TrustError, OverflowError, RecursionError):
            raise RegistrationError(f"{where}: the answer is not strict JSON in UTF-8") from None
        self._left_bytes -= len(body)
        if self._left_bytes < 0:
            raise RegistrationError(
                f"{where}: the answers are larger than {_MOST_ANSWERS_BYTES} bytes together"
            )
        self.digest.update(b"\n" + canonical_bytes if self.last else canonical_bytes)
        self.last = canonical_bytes
        return value, where

    def get(self, url: str, most_bytes: int) -> tuple[bytes, str]:
        """The body at an address; a token that is refused is asked for anew, once."""
        where, authentication = shown(httpx.URL(url)), self.platform.description.authentication
        if time.monotonic() > self._until:
            raise RegistrationError(
                f"{where}: the platform took more than {_MOST_S:g} s in all; try again later"
            )
        answer = self.platform.https.request(url, most_bytes=most_bytes, headers=self._headers())
        if answer.status == 401 and isinstance(authentication, ClientCredentials):
            self._token = None
            answer = self.platform.https.request(url, most_bytes=most_bytes, headers=self._headers())
        if answer.status == 200:
            return answer.body, where
        if answer.status == 404:
            raise RegistrationError(
                f"{where}: the platform knows nothing of that; check the number, and the paths"
            )
        if answer.status in (401, 403):
            raise RegistrationError(
                f"{where}: the platform answers {answer.status}; {_check_secret(authentication)}"
            )
        raise RegistrationError(
            f"{where}: the platform answers {answer.status}; try again later, or check the paths"
        )

    def _headers(self) -> dict[str, str]:
        authentication = self.platform.description.authentication
        headers = {"Accept": "application/json, */*;q=0.1"}
        if isinstance(authentication, Header):
            secret = self.platform.secrets[authentication.secret_env]
            headers[authentication.header] = authentication.prefix + secret.get_secret_value()
        elif isinstance(authentication, ClientCredentials):
            self._token = self._token or self._ask_token(authentication)
            headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        return headers

    def _ask_token(self, client: ClientCredentials) -> SecretStr:
        secret, where = (
            self.platform.secrets[client.secret_env].get_secret_value(),
            shown(httpx.URL(client.token)),
        )
        form, headers = {"grant_type": "client_credentials"}, {"Accept": "application/json"}
        if client.scope is not None:
            form["scope"] = client.scope
        if client.send == "form":
            form |= {"client_id": client.client, "client_secret": secret}
        else:  # both are form-encoded first: RFC 6749, 2.3.1
            pair = f"{quote_plus(client.client)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        answer = self.platform.https.request(
            client.token, most_bytes=_MOST_TOKEN_BYTES, headers=headers, form=form
        )
        if answer.status != 200:
            raise RegistrationError(
                f"{where}: no token was given (status {answer.status}); {_check_secret(client)}"
            )
        try:
            values = canonical.load(answer.body, "the answer")
        except TrustError:
            values = None
        token = values.get("access_token") if isinstance(values, dict) else None
        if not isinstance(token, str) or not _SECRET.fullmatch(token):
            raise RegistrationError(f"{where}: the answer holds no token (`access_token`) that can be used")
        return SecretStr(token)


def _check_secret(authentication: Header | ClientCredentials | None) -> str:
    if authentication is None:
        return "it wants authentication, which its description does not have"
    return f"check the secret in the environment variable {authentication.secret_env}"


def _as_doubles(value: Any) -> Any:
    """The same JSON, its large integers as what RFC 8785 takes every number for."""
    if isinstance(value, dict):
        return {name: _as_doubles(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_doubles(each) for each in value]
    large = isinstance(value, int) and not -(2**53) < value < 2**53
    return float(value) if large else value


def _mapped(fields: Mapping[str, Any], answer: Any, where: str, *above: str) -> dict[str, Any]:
    """The fields of a registration as they stand in an answer; what is not there is left out."""
    found = {}
    for name, expression in fields.items():
        if isinstance(expression, dict):
            value = _mapped(expression, answer, where, *above, name) or None
        else:
            value = _search(expression, answer, where, ".".join((*above, name)))
        if value is not None:
            found[name] = value
    return found


def _search(expression: str, answer: Any, where: str, name: str) -> Any:
    try:
        return _without_nulls(jmespath.search(expression, answer))
    except (JMESPathError, ArithmeticError, TypeError, ValueError):  # their words quote the answer
        raise RegistrationError(f"{where}: the expression of {name} does not fit the answer") from None


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def _entries(session: _Session, entries: Entries) -> Iterator[Any]:
    """The entries of a list, page by page."""
    url, pages = session.url(entries.path), entries.pages
    number = pages.first if isinstance(pages, NumberedPages) else None
    cursor: Any = None
    count, last = 0, b""
    for _ in range(_MOST_PAGES):
        asked = httpx.URL(url)
        if pages is not None and (number is not None or cursor is not None):
            asked = asked.copy_merge_params({pages.parameter: str(cursor if number is None else number)})
        answer, where = session.json(str(asked))
        found = _search(entries.items, answer, where, f"the list {entries.field}")
        if found is None:
            found = []
        if not isinstance(found, list):
            raise RegistrationError(f"{where}: the expression of the list {entries.field} gives no list")
        count += len(found)
        if count > _MOST_ENTRIES:
            raise RegistrationError(
                f"{where}: the list {entries.field} has more than {_MOST_ENTRIES} entries"
            )
        if pages is not None and found and session.last == last:
            raise RegistrationError(
                f"{where}: the list {entries.field} has the same page twice; check how it is paged"
            )
        last = session.last
        yield from found
        if isinstance(pages, CursorPages):
            cursor = _search(pages.next, answer, where, f"the next page of {entries.field}")
            if cursor in (None, "", False):
                return
            if not isinstance(cursor, str | int) or cursor is True or len(str(cursor)) > _MOST_CURSOR:
                raise RegistrationError(
                    f"{where}: the next page of {entries.field} is named by what is no cursor"
                )
        elif number is None or not found:
            return
        else:
            number += pages.step if pages is not None else 1
    raise RegistrationError(f"{where}: the list {entries.field} does not end within {_MOST_PAGES} pages")


def _digest_documents(session: _Session, template: str, attestations: Any) -> None:
    """Fetch the documents that have an id, in place: the id goes, the digest comes."""
    documents = [
        document
        for attestation in (attestations if isinstance(attestations, list) else [])
        if isinstance(attestation, dict) and isinstance(attestation.get("documents"), list)
        for document in attestation["documents"]
        if isinstance(document, dict) and "id" in document
    ]
    if len(documents) > _MOST_DOCUMENTS:
        raise RegistrationError(
            f"the record names more than {_MOST_DOCUMENTS} documents; that is too much to fetch"
        )
    for document in documents:
        name = document.pop("id")
        if not isinstance(name, str | int) or not _NUMBER.fullmatch(str(name)):
            raise RegistrationError("the record names a document by an id that cannot stand in an address")
        body, where = session.get(session.url(template, document=str(name)), _MOST_DOCUMENT_BYTES)
        found = hashlib.sha256(body).hexdigest()
        if str(document.setdefault("sha256", found)).lower() != found:
            raise RegistrationError(f"{where}: the document has another digest than the record says")


def _record(platform: Platform, values: dict[str, Any], where: str) -> Registration:
    certificate = values.get("certificate")
    if isinstance(certificate, dict):
        certificate.setdefault("platform", platform.description.name)
        for name in ("valid_from", "valid_until"):
            try:
                certificate[name] = parse_day(certificate.get(name))
            except ValueError:
                raise RegistrationError(f"{where}: the field certificate.{name} is no date") from None
    try:
        record = Registration.model_validate(values)
    except ValidationError as error:
        raise RegistrationError(f"{where}: the answer is not usable: {_told(error)}") from None
    locations = tuple(_with_credentials(platform, each, where) for each in record.locations)
    return record.model_copy(update={"locations": locations})


def _told(error: ValidationError) -> str:
    """Which fields, and what of them, without a word of the answer."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)[:5]
    return "; ".join(
        f"field {'.'.join(str(part) if re.fullmatch(r'[a-z0-9_]{1,30}', str(part)) else '?' for part in each['loc'])}: "
        f"{'it cannot be used' if each['type'] == 'refused' else each['msg']}"
        for each in problems
    )


def _with_credentials(platform: Platform, location: Location, where: str) -> Location:
    """A location whose credentials are a name gets those of the store of that name, if it is the same store."""
    if not isinstance(location.credentials, str):
        return location
    store = platform.description.stores.get(location.credentials)
    if store is None or location.endpoint not in (None, store.endpoint):
        raise RegistrationError(
            f"{where}: a location names credentials that the platform's description does not have for its endpoint (`stores`)"
        )
    values = {
        "access_key": platform.secrets[store.access_key_env],
        "secret_key": platform.secrets[store.secret_key_env],
    }
    return Location.model_validate(
        {
            "url": location.url,
            "endpoint": store.endpoint,
            "region": location.region or store.region,
            "credentials": values,
        }
    )
