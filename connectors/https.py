"""Requests over HTTPS to addresses that were checked: bounded in time, size and number.

The name is resolved once (`connectors/addresses.py`), the connection goes to an address that was checked, and the
certificate must be the name's. Neither redirects nor proxies nor what the environment names are followed.
"""

import asyncio
import ssl
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from dqv.connectors.addresses import Address, Network, Target, check_url, shown
from dqv.core.errors import RegistrationError

_AGAIN = frozenset({429, 502, 503, 504})
"""What a server answers that may answer otherwise soon."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an answer is waited for."""

    connect_s: float = 10.0
    silence_s: float = 20.0
    """Between two blocks of an answer."""
    answer_s: float = 60.0
    """From the first byte sent to the last received."""
    attempts: int = 3
    pause_s: float = 1.0
    """Before the second attempt; twice that before the third."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: the status, and of 200 the decoded body."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Https:
    """Whom to trust, and what to allow.

    Attributes:
        context: verifies certificates.
        inside: networks that are allowed though they are not global.
    """

    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    inside: Sequence[Network] = ()
    patience: Patience = Patience()

    def request(
        self,
        url: str,
        *,
        most_bytes: int,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """GET a URL or, with a form, POST it.

        Args:
            url: checked by `check_url`.
            most_bytes: a larger body is refused, as sent and as decoded.
            headers: may hold secrets; none stands in a message.
            form: idem.

        Raises:
            AddressError: dqv does not connect there.
            RegistrationError: no usable answer came.
        """
        target, problem = check_url(url, self.inside), ""
        where, patience = shown(target.url), self.patience
        for attempt in range(patience.attempts):
            if attempt:
                time.sleep(patience.pause_s * 2 ** (attempt - 1))
            try:
                answer = asyncio.run(self._attempt(target, headers or {}, form, most_bytes))
            except (TimeoutError, httpx.TimeoutException):
                problem = "no whole answer came in time"
                continue
            except httpx.TransportError as error:
                if _certificate(error):
                    raise RegistrationError(
                        f"{where}: its certificate is not one that is trusted for this name; check the address, or name "
                        "the authority by `ca` in the platform's description"
                    ) from None
                problem = f"the connection failed ({type(error).__name__})"
                continue
            if answer.status not in _AGAIN:
                return answer
            problem = f"it answers {answer.status}"
        raise RegistrationError(f"{where}: {problem}, {patience.attempts} times; try again later")

    async def _attempt(
        self, target: Target, headers: Mapping[str, str], form: Mapping[str, str] | None, most_bytes: int
    ) -> Answer:
        patience = self.patience
        timeout = httpx.Timeout(patience.silence_s, connect=patience.connect_s)
        async with (
            asyncio.timeout(patience.answer_s),
            httpx.AsyncClient(verify=self.context, timeout=timeout, trust_env=False) as client,
        ):
            *others, last = target.addresses
            for address in others:
                try:
                    return await _ask(client, target, address, headers, form, most_bytes)
                except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                    if _certificate(error):
                        raise
            return await _ask(client, target, last, headers, form, most_bytes)


async def _ask(
    client: httpx.AsyncClient,
    target: Target,
    address: Address,
    headers: Mapping[str, str],
    form: Mapping[str, str] | None,
    most_bytes: int,
) -> Answer:
    request = client.build_request(
        "GET" if form is None else "POST",
        target.url.copy_with(host=str(address)),
        headers={**headers, "Host": target.url.netloc.decode("ascii"), "Accept-Encoding": "identity"},
        data=form,
        extensions={"sni_hostname": target.host},  # the name that the certificate must bear
    )
    response = await client.send(request, stream=True)
    try:
        if response.is_redirect:
            raise RegistrationError(
                f"{shown(target.url)}: it answers with a redirect, which is not followed; give the address that is meant"
            )
        body = await _body(response, shown(target.url), most_bytes) if response.status_code == 200 else b""
        return Answer(response.status_code, body)
    finally:
        await response.aclose()


async def _body(response: httpx.Response, where: str, most_bytes: int) -> bytes:
    """The decoded body; what is sent in another encoding than gzip, or might be cut, is refused."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    inflate = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    if inflate is None and encoding != "identity":
        raise RegistrationError(f"{where}: the answer is encoded in a way that was not asked for")
    if not {"content-length", "transfer-encoding"} & set(response.headers):
        raise RegistrationError(f"{where}: the answer does not say where it ends")
    body, sent = bytearray(), int(response.headers.get("content-length", "0"))
    too_large = RegistrationError(f"{where}: the answer is larger than {most_bytes} bytes")
    if sent > most_bytes:
        raise too_large
    sent = 0
    try:
        async for block in response.aiter_raw():
            sent += len(block)
            body += inflate.decompress(block, most_bytes + 1 - len(body)) if inflate else block
            if max(sent, len(body)) > most_bytes:
                raise too_large
    except zlib.error:
        raise RegistrationError(f"{where}: the answer is no gzip, as it says it is") from None
    if inflate is not None and (not inflate.eof or inflate.unused_data):
        raise RegistrationError(f"{where}: the answer's gzip does not end where the answer does")
    return bytes(body)


def _certificate(error: BaseException | None) -> bool:
    """Whether an error comes from one of verifying a certificate."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None
