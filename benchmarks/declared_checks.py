"""The checks that rest on declarations beside the stage that measures the text, in one run.

Texts are made up: 100 MB of JSON Lines, each record with licence, source, language, labels and date. The stage is timed by the
wall, with one worker; the checks, which run in the client alone, too. What records say of themselves is given to the checks
as a table of as many rows where the run itself has none.
"""

import random
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path

import orjson
import polars as pl

from dqv import checks, pipeline
from dqv.checks.engine import DESCRIBED, Case, Check, Outcome
from dqv.core.settings import Settings

SIZE_BYTES = 100_000_000
RULES = (
    "openness",
    "updates",
    "registration",
    "applicant",
    "category",
    "legality",
    "safeguards",
    "scenarios",
    "value",
)
_REGISTRATION = """
name = "n"
category = "行业专识数据集"
cadence = "monthly"
licence = "CC-BY-4.0"
applicant = { name = "a", uscc = "913304990000000006" }
modalities = { text = { scale = "100 MB" } }
certificate = { number = "C" }
attestations = [{ rule = "legality", statement = "s", documents = ["a.txt"] }]
"""


@dataclass
class _Stages:
    """When each stage began: told as progress is."""

    began: list[tuple[str, float]] = field(default_factory=list)

    def stage(self, name: str, _work: int) -> None:
        self.began.append((name, time.monotonic()))

    def advance(self, _work: int) -> None:
        pass

    def seconds(self, name: str) -> float:
        at = next(number for number, (stage, _) in enumerate(self.began) if stage == name)
        return self.began[at + 1][1] - self.began[at][1]


def _write(path: Path) -> pl.DataFrame:
    """The records, and what they say of themselves."""
    rng = random.Random(8)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(20_000)]
    said: list[dict[str, object]] = []
    with path.open("wb") as file:
        while file.tell() < SIZE_BYTES:
            row = {
                "licence": rng.choice(["CC-BY-4.0", "cc by 4.0", "MIT"]), "source": f"https://example.org/{rng.randrange(10_000)}",
                "language": rng.choice(["zh", "en"]), "labels": rng.sample(words[:500], 3),
            }  # fmt: skip
            day = date(2026, rng.randint(1, 6), 1).isoformat()
            file.write(
                orjson.dumps({"text": " ".join(rng.choices(words, k=150)), "original_time": day, **row})
                + b"\n"
            )
            said.append(row)
    whole = {name: [row.get(name) for row in said] for name in DESCRIBED}
    return pl.DataFrame(whole, schema=DESCRIBED)


def measure(folder: Path) -> tuple[float, Mapping[str, float]]:
    """Seconds of the stage, and of each rule's check."""
    source = folder / "dataset"
    source.mkdir()
    said = _write(source / "a.jsonl")
    said.write_parquet(folder / "said.parquet")
    described = pl.scan_parquet(folder / "said.parquet")
    (folder / "registration.toml").write_text(_REGISTRATION, "utf-8")
    (folder / "a.txt").write_text("proof")
    stages, seconds = _Stages(), dict.fromkeys(RULES, 0.0)

    told: list[Case] = []

    def timed(check: Check, rule: str, case: Case) -> Outcome:
        if not told:  # one for all rules, as in a run
            bare = case.descriptions.head(1).collect().is_empty()
            told.append(replace(case, descriptions=described) if bare else case)
        began = time.monotonic()
        found = check(told[0])
        if found.evidence is not None:
            found.evidence.collect()
        seconds[rule] = time.monotonic() - began
        return found

    before = checks.CHECKS
    checks.CHECKS = {
        rule: partial(timed, check, rule) if rule in RULES else check for rule, check in before.items()
    }  # type: ignore[misc]
    try:
        settings = Settings(
            source=str(source), out=folder / "out", registration=folder / "registration.toml", workers=1,
            reference_date=date(2026, 6, 30),
        )  # fmt: skip
        pipeline.check(settings, stages)
    finally:
        checks.CHECKS = before  # type: ignore[misc]
    return stages.seconds("measure"), seconds


def as_markdown(stage: float, seconds: Mapping[str, float]) -> str:
    """The figures as a table."""
    whole = sum(seconds.values())
    rows = [f"| `{rule}` | {each:.3f} | {each / stage:.2%} |" for rule, each in seconds.items()]
    return "\n".join([
        f"The stage that measures {SIZE_BYTES // 10**6} MB of text: {stage:.1f} s.", "",
        "| check | s | of the stage |", "|---|---|---|", *rows, f"| together | {whole:.3f} | {whole / stage:.2%} |", "",
    ])  # fmt: skip


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        print(as_markdown(*measure(Path(name))))
