"""Libraries that log or warn with values of the data are not heard."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """No log, no warning and no error of a destructor of any library while the context lasts.

    Only in a child, for it holds for all threads. Destructors raise where a library recursed up to the interpreter's limit.
    """
    before, hook = logging.root.manager.disable, sys.unraisablehook
    logging.disable(logging.CRITICAL)
    sys.unraisablehook = _unheard
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
        sys.unraisablehook = hook


def _unheard(_: object) -> None:
    pass
