"""The unified social credit code (统一社会信用代码) of GB 32100-2015."""

from dataclasses import dataclass
from typing import Literal

from dqv.core.policy import Words

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_PLACES = 18


def well_formed(code: str) -> bool:
    """Whether a code has the form of GB 32100-2015: 18 characters, the last one its check character.

    The alphabet leaves out I, O, S, V and Z; places 3 to 8 (the registering authority's division) are digits; place i of
    the first 17 has the weight 3^(i-1) mod 31; the check character stands for (31 - sum mod 31) mod 31. Whether the code
    was ever given to anyone, and to whom, this does not tell.
    """
    if len(code) != _PLACES or not set(code) <= set(_ALPHABET) or not code[2:8].isdecimal():
        return False
    *values, check = (_ALPHABET.index(character) for character in code)
    total = sum(value * pow(3, place, 31) for place, value in enumerate(values))
    return check == (31 - total % 31) % 31


@dataclass(frozen=True)
class Unit:
    """What the first two characters of a code say.

    Attributes:
        body: who registers it.
        kind: of unit.
        standing: as 8(一) asks: `enterprise` and `institution` (企事业单位) may have independent legal personality, which the
            code does not tell (branches and partnerships are 91, too); `sole` (个体工商户) has none: it is no legal person
            (Civil Code, art. 54); `other` is neither enterprise nor institution.
    """

    body: Words
    kind: Words
    standing: Literal["enterprise", "institution", "sole", "other"]


_OTHER = Words(zh="其他", en="other")
_BODIES = {
    "1": Words(zh="机构编制", en="staffing of public bodies (机构编制)"),
    "2": Words(zh="外交", en="foreign affairs"),
    "3": Words(zh="司法行政", en="administration of justice"),
    "4": Words(zh="文化", en="culture"),
    "5": Words(zh="民政", en="civil affairs"),
    "6": Words(zh="旅游", en="tourism"),
    "7": Words(zh="宗教", en="religious affairs"),
    "8": Words(zh="工会", en="trade unions"),
    "9": Words(zh="市场监管（工商）", en="market regulation"),
    "A": Words(zh="中央军委改革和编制办公室", en="the military's office of staffing"),
    "N": Words(zh="农业", en="agriculture"),
    "Y": _OTHER,
}
"""GB 32100-2015, table 1, with its amendment no. 1 (2016); second-hand, like the table below."""

_KINDS: dict[str, tuple[str, str, Literal["enterprise", "institution", "sole", "other"]]] = {
    "11": ("机关", "public authority", "other"),
    "12": ("事业单位", "public institution", "institution"),
    "13": (
        "中央编办直接管理机构编制的群众团体",
        "mass organisation staffed by the central authority",
        "other",
    ),
    "51": ("社会团体", "social association", "other"),
    "52": ("民办非企业单位", "private non-enterprise unit", "other"),
    "53": ("基金会", "foundation", "other"),
    "91": ("企业", "enterprise", "enterprise"),
    "92": ("个体工商户", "individual business (个体工商户)", "sole"),
    "93": ("农民专业合作社", "farmers' cooperative", "other"),
    "A1": ("军队事业单位", "military institution", "institution"),
    "N1": ("组级集体经济组织", "collective economic organisation of a villagers' group", "other"),
    "N2": ("村级集体经济组织", "collective economic organisation of a village", "other"),
    "N3": ("乡镇级集体经济组织", "collective economic organisation of a township", "other"),
}


def unit(code: str) -> Unit | None:
    """Who registered the unit of a code, and of which kind it is; None where the standard gives the prefix to nobody.

    Args:
        code: well-formed.
    """
    body, kind = _BODIES.get(code[0]), _KINDS.get(code[:2])
    if body is None or (kind is None and code[0] == "9"):  # of 市场监管 there are three kinds and no others
        return None
    if kind is None:
        return Unit(body, _OTHER, "other")
    return Unit(body, Words(zh=kind[0], en=kind[1]), kind[2])
