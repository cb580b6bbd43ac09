import logging
import sys
import warnings

import pytest

from dqv.core.quiet import quiet


class Raising:
    def __del__(self) -> None:
        raise ValueError("a value of the data")


def test_a_library_is_not_heard_and_then_it_is_again(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    hook = sys.unraisablehook
    with warnings.catch_warnings(record=True) as warned:
        with quiet():
            logging.getLogger("library").critical("a value of the data")
            warnings.warn("a value of the data", stacklevel=1)
            Raising()
        assert warned == []
    assert caplog.records == []
    assert capsys.readouterr() == ("", "")
    assert sys.unraisablehook is hook
    logging.getLogger("library").critical("heard")
    assert [record.message for record in caplog.records] == ["heard"]


def test_an_error_passes_and_what_was_set_is_set_again() -> None:
    hook, level = sys.unraisablehook, logging.root.manager.disable
    with pytest.raises(ValueError, match="no"), quiet():
        raise ValueError("no")
    assert (sys.unraisablehook, logging.root.manager.disable) == (hook, level)
