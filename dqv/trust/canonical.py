"""JSON that has one meaning and one spelling: read strictly, written as RFC 8785."""

import json
from typing import Any, NoReturn

import rfc8785

from dqv.core.errors import TrustError


def dump(value: Any, what: str) -> bytes:
    """Write RFC 8785 bytes; `what` names the value in the error.

    Raises:
        TrustError: a value RFC 8785 has no form for: NaN, integers of 2^53 and more, lone surrogates.
    """
    try:
        return rfc8785.dumps(value)
    except (ValueError, RecursionError) as error:
        raise TrustError(f"{what} has no canonical form (RFC 8785): {error}") from error


def load(data: bytes, what: str) -> Any:
    """Read JSON; `what` names it in the error.

    Raises:
        TrustError: not JSON in UTF-8, a key given twice, NaN or Infinity.
    """
    try:
        return json.loads(data.decode(), object_pairs_hook=_object, parse_constant=_constant)
    except (ValueError, RecursionError) as error:  # orjson would be faster; it lets duplicate keys pass
        raise TrustError(f"{what} is not strict JSON: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return result


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
