"""The unified social credit code (统一社会信用代码) of GB 32100-2015."""

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_PLACES = 18


def well_formed(code: str) -> bool:
    """Whether a code has the form of GB 32100-2015: 18 characters, the last one its check character.

    The alphabet leaves out I, O, S, V and Z; place i of the first 17 has the weight 3^(i-1) mod 31; the
    check character stands for (31 - sum mod 31) mod 31. Whether the code was ever given to anyone, and to
    whom, this does not tell.
    """
    if len(code) != _PLACES or not set(code) <= set(_ALPHABET):
        return False
    *values, check = (_ALPHABET.index(character) for character in code)
    total = sum(value * pow(3, place, 31) for place, value in enumerate(values))
    return check == (31 - total % 31) % 31
