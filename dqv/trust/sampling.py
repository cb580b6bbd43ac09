"""Spot checks: which objects are read, and what reading these alone tells of all.

The signer cannot know beforehand what will be looked at: the verifier draws a nonce when the roots are signed already.
The seed is HMAC-SHA256(nonce, root), with the root by SHA-256; draw number i, from 0 on, of a number below m is
HMAC-SHA256(seed, i as 8 bytes), both read as big-endian numbers, modulo m; Floyd's algorithm makes different indices of
such draws, every set of them as likely as any other. Whoever has the nonce can draw the same again.

R. W. Floyd in J. Bentley, "Programming pearls: a sample of brilliance", CACM 30(9), 1987.
"""

import hmac
import math
import re
from dataclasses import dataclass
from fractions import Fraction

from dqv.core.errors import UsageError
from dqv.core.units import BYTE_UNITS, parse_quantity


@dataclass(frozen=True)
class Sample:
    """How much to read: a number of objects, a share of them, or so many that about that many bytes are read.

    Attributes:
        amount: in the unit.
        unit: object, ratio or byte.
    """

    amount: Fraction
    unit: str

    def count(self, objects: int, size_bytes: int) -> int:
        """Of so many objects with so many bytes, how many; at least one, at most all."""
        if self.unit == "object":
            wanted = self.amount
        elif self.unit == "ratio":
            wanted = objects * self.amount
        else:
            wanted = objects * self.amount / max(size_bytes, 1)
        return min(max(math.ceil(wanted), 1), objects)


def parse(text: str) -> Sample:
    """Read "300", "5%" or "10GB".

    Raises:
        UsageError: none of these, nothing, or more than all.
    """
    if re.fullmatch(r"[0-9]{1,18}", text):
        sample = Sample(Fraction(text), "object")
    else:
        try:
            sample = Sample(*parse_quantity(text))
        except ValueError:
            sample = Sample(Fraction(0), "")
    if (
        sample.unit not in ("object", "ratio", "byte")
        or not sample.amount
        or (sample.unit == "ratio" and sample.amount > 1)
    ):
        raise UsageError(
            f"--sample {text!r}: give a number of objects such as 300, a share such as 5%, or a size such as 10GB, "
            f"in one of the units {', '.join(BYTE_UNITS)}"
        )
    return sample


def draw(nonce: bytes, root: bytes, objects: int, count: int) -> list[int]:
    """Different indices of objects, ascending; how is said above.

    Args:
        nonce: of the verifier.
        root: the signed one by SHA-256, 32 bytes.
        objects: how many there are.
        count: how many are drawn, at most all.
    """
    seed = hmac.digest(nonce, root, "sha256")
    drawn: set[int] = set()
    for number, last in enumerate(range(objects - count, objects)):
        value = int.from_bytes(hmac.digest(seed, number.to_bytes(8), "sha256")) % (last + 1)
        drawn.add(last if value in drawn else value)
    return sorted(drawn)


def chance(objects: int, count: int, changed: int) -> float:
    """The chance that at least one of the changed objects is drawn: hypergeometric.

    Args:
        objects: how many there are.
        count: how many are drawn.
        changed: how many of them are other than the manifest says.
    """
    if objects - changed < count:
        return 1.0
    # none of the drawn among the changed: C(objects - changed, count) / C(objects, count)
    log = math.lgamma
    missed = (
        log(objects - changed + 1)
        - log(objects - changed - count + 1)
        - log(objects + 1)
        + log(objects - count + 1)
    )
    return -math.expm1(min(missed, 0.0))


def detectable(objects: int, count: int, confidence: float) -> int:
    """The least number of changed objects of which one is drawn with that confidence.

    Args:
        objects: how many there are, at least one.
        count: how many are drawn, at least one.
        confidence: a chance, such as 0.95.
    """
    low, high = 1, objects
    while low < high:
        middle = (low + high) // 2
        if chance(objects, count, middle) >= confidence:
            high = middle
        else:
            low = middle + 1
    return low
