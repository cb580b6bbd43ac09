"""Hugging Face: the metadata at the front of a dataset card (README.md), and dataset_info.json.

What the fields may say is the Hub's documentation of dataset cards; its list of tasks grows, so a task that is unknown here is a
warning.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from dqv.measure.globs import MOST_PATTERNS, Pattern
from dqv.measure.problems import ERROR, WARNING, Problem, Said, texts_of

LICENCES = frozenset(
    ["apache-2.0", "mit", "openrail", "bigscience-openrail-m", "creativeml-openrail-m", "bigscience-bloom-rail-1.0", "bigcode-openrail-m", "afl-3.0", "artistic-2.0", "bsl-1.0", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "c-uda", "cc", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "wtfpl", "ecl-2.0", "epl-1.0", "epl-2.0", "etalab-2.0", "eupl-1.1", "eupl-1.2", "agpl-3.0", "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "lgpl", "lgpl-2.1", "lgpl-3.0", "isc", "h-research", "intel-research", "lppl-1.3c", "ms-pl", "apple-ascl", "apple-amlr", "mpl-2.0", "odc-by", "odbl", "openmdw-1.0", "openrail++", "osl-3.0", "postgresql", "ofl-1.1", "ncsa", "unlicense", "zlib", "pddl", "lgpl-lr", "deepfloyd-if-license", "fair-noncommercial-research-license", "llama2", "llama3", "llama3.1", "llama3.2", "llama3.3", "llama4", "grok2-community", "gemma", "unknown", "other"]
)  # fmt: skip

TASKS = frozenset(
    ["text-classification", "token-classification", "table-question-answering", "question-answering", "zero-shot-classification", "translation", "summarization", "feature-extraction", "text-generation", "text2text-generation", "fill-mask", "sentence-similarity", "text-to-speech", "text-to-audio", "automatic-speech-recognition", "audio-to-audio", "audio-classification", "audio-text-to-text", "voice-activity-detection", "depth-estimation", "image-classification", "object-detection", "image-segmentation", "text-to-image", "image-to-text", "image-to-image", "image-to-video", "unconditional-image-generation", "video-classification", "reinforcement-learning", "robotics", "tabular-classification", "tabular-regression", "tabular-to-text", "table-to-text", "multiple-choice", "text-ranking", "text-retrieval", "time-series-forecasting", "text-to-video", "image-text-to-text", "image-text-to-image", "image-text-to-video", "visual-question-answering", "document-question-answering", "zero-shot-image-classification", "graph-ml", "mask-generation", "zero-shot-object-detection", "text-to-3d", "image-to-3d", "image-feature-extraction", "video-text-to-text", "video-to-video", "keypoint-detection", "visual-document-retrieval", "any-to-any", "other"]
)  # fmt: skip

_SCALE = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_SIZE = re.compile(
    r"(?:n<1K|n>1T|1K<n<10K|10K<n<100K|100K<n<1M|1M<n<10M|10M<n<100M|100M<n<1B|1B<n<10B|10B<n<100B|100B<n<1T)"
)

_CREATORS = frozenset(
    {"crowdsourced", "found", "expert-generated", "machine-generated", "no-annotation", "other"}
)
_LINGUALITY = frozenset({"monolingual", "multilingual", "translation", "other"})
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*|code")

_LISTED = {
    "license": (LICENCES, ERROR),
    "task_categories": (TASKS, WARNING),
    "annotations_creators": (_CREATORS, WARNING),
    "language_creators": (_CREATORS, WARNING),
    "multilinguality": (_LINGUALITY, WARNING),
}
_RECOMMENDED = ("license", "language", "task_categories", "size_categories")

MOST_FRONT = 2**20
"""Bytes of a card in which its metadata must end."""


def front(text: str) -> str | None:
    """The YAML between two lines of `---` at the front of a card; None where there is none."""
    lines = re.match(
        r"\ufeff?---[ \t]*\r?\n(.*?)(?:^|\n)---[ \t]*(?:\r?\n|\Z)", text, re.DOTALL | re.MULTILINE
    )
    return lines[1] if lines else None


def judge(values: object) -> list[Problem]:
    """What is wrong with a card's metadata, sorted."""

    def problem(rule: str, severity: str, at: str | None, detail: str) -> Problem:
        return Problem("hugging-face", rule, severity, at, detail)

    if not isinstance(values, dict):
        return [problem("yaml", ERROR, None, "what stands at the front of the card is no mapping")]
    found = [
        problem("recommended", WARNING, name, f"the field {name} is missing")
        for name in _RECOMMENDED
        if values.get(name) in (None, "", [])
    ]
    for name, (listed, severity) in _LISTED.items():
        for at, each in _each(values, name):
            if not isinstance(each, str):
                found.append(problem("type", ERROR, at, f"{name} holds what is no text"))
            elif each not in listed:
                found.append(problem("value", severity, at, f"{name} holds what is none of its known values"))
    for name, pattern in (("size_categories", _SIZE), ("language", _LANGUAGE)):
        for at, each in _each(values, name):
            if not isinstance(each, str) or not pattern.fullmatch(each):
                found.append(problem("value", ERROR, at, f"{name} holds what is none of its values"))
    if "other" in texts_of(values.get("license")) and not values.get("license_name"):
        found.append(
            problem(
                "license-name",
                WARNING,
                "license_name",
                "the licence is another one, and license_name is missing",
            )
        )
    found += [
        problem("configs", ERROR, at, "configs must be a list of config_name and data_files")
        for at in _bad_configs(values)
    ]
    return sorted(set(found))


def _each(values: dict[Any, Any], name: str) -> list[tuple[str, object]]:
    value = values.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        return [(name, value)]
    return [(f"{name}[{number}]", each) for number, each in enumerate(value[:1000])]


def _bad_configs(values: dict[Any, Any]) -> list[str]:
    configs = values.get("configs")
    if configs is None:
        return []
    if not isinstance(configs, list):
        return ["configs"]
    good = (str, list, dict)
    return [
        f"configs[{number}]"
        for number, each in enumerate(configs[:1000])
        if not isinstance(each, dict)
        or not isinstance(each.get("config_name"), str)
        or ("data_files" in each and not isinstance(each["data_files"], good))
    ]


def said(values: object) -> Said:
    """What a card says of the whole; several sizes are taken together."""
    if not isinstance(values, dict):
        return Said("hugging-face", read=values is None)
    ranges = [_range(each) for each in texts_of(values.get("size_categories")) if _SIZE.fullmatch(each)]
    mosts = [most for _, most in ranges]
    return Said(
        "hugging-face",
        tuple(texts_of(values.get("license"))),
        tuple(texts_of(values.get("version"))),
        tuple(texts_of(values.get("language"))),
        min((least for least, _ in ranges), default=None),
        None if None in mosts else max((most for most in mosts if most is not None), default=None),
    )


def _range(size: str) -> tuple[int, int | None]:
    """Least and most items of a size; both ends belong to it."""
    if size == "n>1T":
        return _SCALE["T"], None
    ends = [int(number) * _SCALE[unit] for number, unit in re.findall(r"(\d+)([KMBT])", size)]
    return (0, ends[0]) if len(ends) == 1 else (ends[0], ends[1])


def info(values: object) -> tuple[list[Problem], Said]:
    """The same of a dataset_info.json, or of the first of several configurations in a dataset_infos.json."""
    if not isinstance(values, dict):
        problem = Problem("hugging-face", "type", ERROR, None, "dataset_info is no object")
        return [problem], Said("hugging-face", read=False)
    splits = values.get("splits")
    counts: list[int] = []
    if isinstance(splits, dict):
        for each in splits.values():
            count = each.get("num_examples") if isinstance(each, dict) else None
            counts.append(count if type(count) is int else -1)
    whole = sum(counts) if counts and min(counts) >= 0 else None
    found = []
    if "splits" in values and whole is None:
        found.append(
            Problem("hugging-face", "value", ERROR, "splits", "splits must give the num_examples of each")
        )
    return found, Said(
        "hugging-face",
        tuple(texts_of(values.get("license"))),
        tuple(texts_of(values.get("version"))),
        (),
        whole,
        whole,
    )


def patterns(values: object) -> tuple[list[Pattern], bool]:
    """The patterns of `data_files` of all configurations, and whether these name all files: none lies elsewhere or is left to be found."""
    configs = values.get("configs") if isinstance(values, dict) else None
    if not isinstance(configs, list):
        return [], False
    found: list[Pattern] = []
    whole = True
    for number, config in enumerate(configs[:1000]):
        if not isinstance(config, dict) or config.get("data_files") is None:
            whole = False
            continue
        folder = config.get("data_dir")
        folder = (
            f"{folder.removeprefix('./').rstrip('/')}/"
            if isinstance(folder, str) and folder.strip("./")
            else ""
        )
        for at, path in islice(
            _paths(config["data_files"], f"configs[{number}].data_files"), MOST_PATTERNS + 1
        ):
            if "://" in path:
                whole = False
            elif len(found) <= MOST_PATTERNS:
                found.append(Pattern(at, number, folder, path.removeprefix("./")))
    return found, whole


_DEPTH = 3
"""A list of splits, each with a list of paths."""


def _paths(value: object, at: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """A pattern, a list of them, splits with their `path`, or a mapping of splits to patterns; each with where it stands."""
    if isinstance(value, str):
        yield at, value
    elif depth < _DEPTH and isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _paths(inner, f"{at}[{number}]", depth + 1)
    elif depth < _DEPTH and isinstance(value, dict):
        named = {"path": value["path"]} if "path" in value else value
        for name, inner in named.items():
            yield from _paths(inner, f"{at}.{name}", depth + 1)
