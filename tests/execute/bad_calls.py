"""Calls for the child that misbehave at one item (the tests put this folder on the child's path)."""

import errno
import os
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def walk(args: dict[str, Any], out: Path, beat: Any) -> list[list[int]]:
    """Visit places 0…n−1 of each object; at `bad` do `what`; returns what was visited."""
    visited = []
    for number in range(args["objects"]):
        if beat.begin(number) is not None:
            continue
        for place in range(args["places"]):
            if not beat.at(place):
                continue
            if [number, place] in args["bad"]:
                _misbehave(args["what"])
            visited.append([number, place])
        beat.skipped.clear()
    pq.write_table(pa.table({"n": [len(visited)]}), out / "items-0.parquet")
    return visited


def parses_all(args: dict[str, Any], out: Path, beat: Any) -> list[int]:
    """A reader that cannot leave out a place without parsing it: object 1 dies at place 2 whatever it is told."""
    visited = []
    for number in range(3):
        if beat.begin(number) is not None:
            continue
        for place in range(4):
            beat.at(place)
            if (number, place) == (1, 2):
                os.abort()
        visited.append(number)
    pq.write_table(pa.table({"n": [0]}), out / "items-0.parquet")
    return visited


def nowhere(args: dict[str, Any], out: Path, beat: Any) -> None:
    """Die with no item at work."""
    os.abort()


def full(args: dict[str, Any], out: Path, beat: Any) -> None:
    """The disk of the out folder is full."""
    raise OSError(errno.ENOSPC, "No space left on device", str(out / "items-0.parquet"))


def _misbehave(what: str) -> None:
    if what == "hang":
        time.sleep(3600)
    elif what == "crash":
        os.abort()
    elif what == "raise":
        raise ValueError("a secret of the data")
    elif what == "burn":
        while True:
            pass
    elif what == "memory":
        held = []
        while True:
            held.append(bytearray(50_000_000))


def allocate(args: dict[str, Any], out: Path, beat: Any) -> None:
    """Load what measuring loads, and allocate a little with each."""
    import dqv.stages.measure  # noqa: F401

    pa.array(["x"] * 1000, pa.large_string())
