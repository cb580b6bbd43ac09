"""Licences by their SPDX identifiers: what a field, a card or a licence file names (<https://spdx.org/licenses/>)."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Named:
    """What one file of a dataset says of its licence.

    Attributes:
        name: of the file.
        kind: a licence's text, a description of Hugging Face (front matter of the card, dataset_info.json), or of Croissant.
        licences: as `names` gives them; none where a text is no well-known one, or says nothing.
        read: false: it could not be read, or holds what may show something else (`DOCUMENTS`).
    """

    name: str
    kind: Literal["text", "card", "croissant"]
    licences: tuple[str, ...]
    read: bool = True


_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−_", "-"))
_CC = re.compile(
    r"(?:cc|creative-?commons)-?((?:by|attribution)(?:-?(?:nc|sa|nd|noncommercial|sharealike|noderivatives|noderivs))*)"
    r"(?:-?v(?:er(?:sion)?)?)?-?(\d\.\d)"
)
_URL = re.compile(
    r"https?[-:]*//(?:www\.)?(?:opensource\.org/licen[cs]es?|spdx\.org/licenses|apache\.org/licenses)/(?:license-)?"
)
_CC_URL = re.compile(r"creativecommons\.org/(?:licenses/([a-z-]+)/(\d\.\d)|publicdomain/(zero|mark)/1\.0)")
_CC_TEXT = re.compile(
    r"(?<!-)\battribution((?:-(?:noncommercial|sharealike|noderivatives|noderivs))*) (\d\.\d)(?: international| unported| generic| china)"
)
_SHORT = {
    "noncommercial": "NC",
    "sharealike": "SA",
    "noderivatives": "ND",
    "noderivs": "ND",
    "nc": "NC",
    "sa": "SA",
    "nd": "ND",
}

_NAMES: dict[str, tuple[str, ...]] = {
    "Apache-2.0": ("apache", "apache-2", "apache2", "apache-license-2.0", "apache-license-version-2.0", "asl-2.0", "apache-license"),
    "MIT": ("mit-license", "expat", "mit许可", "mit许可证", "mit协议"),
    "BSD-2-Clause": ("bsd-2", "simplified-bsd"),
    "BSD-3-Clause": ("bsd-3", "new-bsd", "modified-bsd"),
    "GPL-2.0": ("gpl-2", "gplv2", "gpl-2.0-only", "gpl-2.0-or-later", "gpl-2.0+"),
    "GPL-3.0": ("gpl-3", "gplv3", "gpl-3.0-only", "gpl-3.0-or-later", "gpl-3.0+"),
    "LGPL-2.1": ("lgpl-2.1-only", "lgpl-2.1-or-later", "lgplv2.1"),
    "LGPL-3.0": ("lgpl-3", "lgplv3", "lgpl-3.0-only", "lgpl-3.0-or-later"),
    "AGPL-3.0": ("agpl-3", "agplv3", "agpl-3.0-only", "agpl-3.0-or-later"),
    "MPL-2.0": ("mpl-2", "mozilla-public-license-2.0"),
    "MulanPSL-2.0": ("mulan-psl-2.0", "mulan-psl-v2", "mulanpsl-2", "mulanpsl2", "木兰宽松许可证-第2版", "木兰宽松许可证第2版", "木兰宽松许可证v2"),
    "Unlicense": ("the-unlicense",),
    "CC0-1.0": ("cc0", "cc-0", "cc-zero", "cc0-1.0-universal", "public-domain-cc0"),
    "ODbL-1.0": ("odbl", "odc-odbl", "open-database-license", "open-database-license-1.0"),
    "ODC-By-1.0": ("odc-by", "open-data-commons-attribution-license"),
    "PDDL-1.0": ("pddl", "odc-pddl"),
    "CDLA-Permissive-1.0": (),
    "CDLA-Permissive-2.0": ("cdla-permissive",),
    "CDLA-Sharing-1.0": ("cdla-sharing",),
}  # fmt: skip
"""SPDX identifier → other names, as `_key` makes them."""

_TEXTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Apache-2.0", ("apache license version 2.0",)),
    (
        "MIT",
        ("permission is hereby granted, free of charge, to any person obtaining a copy of this software",),
    ),
    ("BSD-3-Clause", ("redistributions in binary form must reproduce", "neither the name of")),
    ("BSD-2-Clause", ("redistributions in binary form must reproduce",)),
    ("AGPL-3.0", ("gnu affero general public license version 3",)),
    ("LGPL-3.0", ("gnu lesser general public license version 3",)),
    ("LGPL-2.1", ("gnu lesser general public license version 2.1",)),
    ("GPL-3.0", ("gnu general public license version 3",)),
    ("GPL-2.0", ("gnu general public license version 2",)),
    ("MPL-2.0", ("mozilla public license version 2.0",)),
    ("MulanPSL-2.0", ("木兰宽松许可证, 第2版",)),
    ("MulanPSL-2.0", ("木兰宽松许可证,第2版",)),
    ("MulanPSL-2.0", ("mulan permissive software license, version 2",)),
    ("Unlicense", ("this is free and unencumbered software released into the public domain",)),
    ("CC0-1.0", ("cc0 1.0 universal",)),
    ("ODbL-1.0", ("open database license (odbl)",)),
    ("ODC-By-1.0", ("open data commons attribution license",)),
    ("PDDL-1.0", ("open data commons public domain dedication",)),
    ("CDLA-Permissive-2.0", ("community data license agreement - permissive - version 2.0",)),
    ("CDLA-Permissive-1.0", ("community data license agreement - permissive - version 1.0",)),
    ("CDLA-Sharing-1.0", ("community data license agreement - sharing - version 1.0",)),
)
"""What the title or the first grant of a well-known text says; the first of a family that fits."""

_FAMILIES = ({"BSD-3-Clause", "BSD-2-Clause"}, {"AGPL-3.0", "LGPL-3.0", "LGPL-2.1", "GPL-3.0", "GPL-2.0"})
"""A text that names several of one family is the first: the others are in its words."""

_TAG = re.compile(r"spdx-license-identifier:\s*([\w.+-]+(?: (?:or|and) [\w.+-]+)*)", re.IGNORECASE)
_SPLIT = re.compile(r"\s+(?:and|or|with)\s+|[,;、，；|/]\s*|\s+[和或及]\s*|[()]", re.IGNORECASE)
MOST_NAMES = 20
MOST_CHARACTERS = 100


def _key(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).casefold().translate(_DASHES)
    text = re.sub(r"^the ", "", " ".join(text.split()))
    return re.sub(r"-+", "-", re.sub(r"[\s,:]+", "-", text)).strip("-. ")


_KEYS = {_key(name): spdx for spdx, names in _NAMES.items() for name in (spdx, *names)}


def identify(name: str) -> str | None:
    """The SPDX identifier of one licence by a name or address of it; None where it is none that is known."""
    if len(name) > MOST_CHARACTERS:
        return None
    key = _key(name)
    found = _CC_URL.search(key)
    if found:
        if found[3]:
            return "CC0-1.0" if found[3] == "zero" else None
        return _cc(found[1].split("-")[1:], found[2])
    key = re.sub(r"(?:\.html?|\.txt)$", "", _URL.sub("apache-" if "apache.org" in key else "", key)).rstrip(
        "/"
    )
    found = _CC.fullmatch(
        re.sub(r"(?:-(?:international|unported|generic|deed|license|licence|china))+$", "", key)
    )
    if found:
        return _cc(
            re.findall(r"nc|sa|nd|noncommercial|sharealike|noderivatives|noderivs", found[1]), found[2]
        )
    return _KEYS.get(key) or _KEYS.get(re.sub(r"-(?:license|licence|许可证?|协议)$", "", key))


def _cc(parts: list[str], version: str) -> str | None:
    short = [_SHORT[part] for part in parts if part in _SHORT]
    return f"CC-BY{''.join(f'-{part}' for part in short)}-{version}" if len(short) == len(parts) else None


def names(text: str) -> tuple[str, ...]:
    """The licences that a field names, sorted: SPDX identifiers, and what is not known as `_clean` shows it.

    Args:
        text: one licence, or several as an SPDX expression or a list.
    """
    whole = identify(text)
    if whole is not None:
        return (whole,)
    parts = [part for part in _SPLIT.split(text[: 10 * MOST_CHARACTERS]) if part.strip()]
    known = [identify(part) for part in parts]
    if parts and all(known):
        return tuple(sorted({each for each in known if each is not None}))[:MOST_NAMES]
    cleaned = " ".join(unicodedata.normalize("NFKC", text).split())[:MOST_CHARACTERS]
    return (cleaned,) if cleaned else ()


def of_text(text: str) -> tuple[str, ...]:
    """The licences whose text, or SPDX tag, this is, sorted; nothing where it is no well-known one."""
    found = {spdx for tag in _TAG.findall(text) for spdx in names(tag) if is_known(spdx)}
    flat = unicodedata.normalize("NFKC", text).casefold().translate(_DASHES)
    flat = " ".join(re.sub(r"\blicence\b", "license", flat).split())
    plain = flat.replace("license, version", "license version")
    found |= {spdx for spdx, marks in _TEXTS if all(mark in plain or mark in flat for mark in marks)}
    for match in _CC_TEXT.finditer(flat):
        spdx = _cc(match[1].split("-")[1:], match[2])
        found |= {spdx} if spdx else set()
    for family in _FAMILIES:
        order = [spdx for spdx, _ in _TEXTS if spdx in found & family]
        found -= set(order[1:])
    return tuple(sorted(found))[:MOST_NAMES]


def is_known(name: str) -> bool:
    """Whether it is an SPDX identifier of this module."""
    return name in _NAMES or re.fullmatch(r"CC-BY(?:-NC)?(?:-SA|-ND)?-\d\.\d", name) is not None


def is_open(name: str) -> bool:
    """Whether anyone may use, change and share under it: known, and neither NC nor ND (Open Definition 2.1)."""
    return is_known(name) and "-NC" not in name and "-ND" not in name
