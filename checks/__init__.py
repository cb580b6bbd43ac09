"""The checks: one per rule of the policy, in the order of a report. The list is closed and explicit."""

from collections.abc import Mapping
from functools import partial

from dqv.checks.applicant import applicant
from dqv.checks.attestations import safeguards
from dqv.checks.category import category
from dqv.checks.documentation import documentation
from dqv.checks.duplicates import duplicates
from dqv.checks.engine import Case, Check, Outcome
from dqv.checks.legality import legality
from dqv.checks.metadata import metadata
from dqv.checks.openness import openness
from dqv.checks.privacy import privacy
from dqv.checks.recency import recency
from dqv.checks.registration import registration
from dqv.checks.resolution import FLOORS, resolution
from dqv.checks.scale import scale
from dqv.checks.scenarios import scenarios
from dqv.checks.updates import updates
from dqv.checks.value import value
from dqv.core.errors import PolicyError
from dqv.core.policy import RULES, Policy

CHECKS: Mapping[str, Check] = {
    "scale.text": partial(scale, modality="text"),
    "scale.audio": partial(scale, modality="audio"),
    "scale.image": partial(scale, modality="image"),
    "scale.video": partial(scale, modality="video"),
    "resolution.image": partial(resolution, modality="image"),
    "resolution.video": partial(resolution, modality="video"),
    "duplicates.text": partial(duplicates, modality="text"),
    "duplicates.audio": partial(duplicates, modality="audio"),
    "duplicates.image": partial(duplicates, modality="image"),
    "duplicates.video": partial(duplicates, modality="video"),
    "recency": recency,
    "documentation": documentation,
    "metadata": metadata,
    "openness": openness,
    "updates": updates,
    "registration": registration,
    "applicant": applicant,
    "category": category,
    "legality": legality,
    "safeguards": safeguards,
    "scenarios": scenarios,
    "value": value,
    "privacy": privacy,
}

_BYTES = ("payload_bytes", "stored_bytes", "payload_bytes_kept", "payload_bytes_at_floor")
_DUPLICATES = ("near", "exact", "normalised", "near_bytes", "members", "single_linkage", "whole_set")

MEASURES: Mapping[str, tuple[str, ...]] = {
    "scale.text": ("payload_bytes", "text_bytes", "stored_bytes", "payload_bytes_kept"),
    "scale.audio": ("decoded_hours", "decoded_hours_kept", "decoded_hours_loud"),
    "scale.image": _BYTES,
    "scale.video": _BYTES,
    "resolution": (*FLOORS, "scale_at_floor"),
    "duplicates.text": (*_DUPLICATES, "paragraphs"),
    "duplicates.image": (*_DUPLICATES, "turned"),
    "duplicates": _DUPLICATES,
    "recency": ("scale_days", "items_days", "scale_years", "scale_modified", "scale_without_names"),
}
"""What a policy's readings may name, by the rule or its family."""


def check_policy(policy: Policy) -> None:
    """Refuse a policy whose readings no check can compute, before anything runs.

    Raises:
        PolicyError: names the rule, the reading and what there is.
    """
    for name, rule in policy.rules.items():
        known = MEASURES.get(name) or MEASURES.get(name.partition(".")[0], ())
        for reading in rule.readings:
            if reading.measure not in known:
                raise PolicyError(
                    f"policy {policy.id}, field rules.{name}.readings: reading {reading.name!r} names the measure "
                    f"{reading.measure!r}; there are {', '.join(known) or 'none'}"
                )


def run_checks(case: Case) -> list[Outcome]:
    """Every rule's outcome, in the order of a report."""
    return [CHECKS[rule](case) for rule in RULES]
