"""The tree of errors; each class carries the exit code of `dqv` (design: exit codes).

    DqvError                    2
    ├── UsageError              2   wrong option or combination
    │   ├── PolicyError         2   a policy file that cannot be used
    │   ├── RegistrationError   2   a registration, or a platform's answer, that cannot be used
    │   ├── AddressError        2   an address that dqv does not connect to
    │   └── OutFolderError      2   an out folder that is not this dataset's
    ├── SourceError             3   the dataset cannot be listed or holds nothing recognisable
    ├── IncompleteRun           3   stopped before the end; the same command goes on
    ├── TrustError              4   a signature, digest or proof does not hold
    ├── StageFailedError        3   a stage died and no item is to blame: a defect of dqv
    ├── OutputError             3   the out folder cannot be written; becomes IncompleteRun at the worker
    └── ItemError               -   one item; becomes a row, never leaves the worker

A failed clause is a result, not an error (exit code 1 comes from the report's verdict).
Every message says what, where, and what to do. All errors pickle: they cross Dask.
"""


class DqvError(Exception):
    """Anything dqv raises on purpose."""

    exit_code = 2


class UsageError(DqvError):
    """The command cannot be carried out as given."""


class PolicyError(UsageError):
    """A policy cannot be used; the message names the file and the line or field."""


class RegistrationError(UsageError):
    """A registration cannot be used; the message names the file or address, and the line or field."""


class AddressError(UsageError):
    """An address that is not connected to: not https, not resolved, or inside; see `connectors/addresses.py`."""


class OutFolderError(UsageError):
    """The out folder belongs to something else; nothing in it was touched."""


class SourceError(DqvError):
    """The dataset cannot be read as a whole."""

    exit_code = 3


class IncompleteRun(DqvError):
    """The run stopped before its end; what is done stays done."""

    exit_code = 3


class StageFailedError(DqvError):
    """A call died with no item at work, or again without the object it had died of."""

    exit_code = 3


class OutputError(DqvError):
    """A table of the run cannot be written; told apart from errors of reading the data."""

    exit_code = 3


class TrustError(DqvError):
    """A signature, digest or proof does not hold."""

    exit_code = 4


DEFECTIVE_KINDS = frozenset(
    {
        "empty",
        "encoding",
        "json",
        "csv",
        "xml",
        "html",
        "parquet",
        "arrow",
        "archive",
        "compression",
        "document",
        "image",
        "audio",
        "video",
        "truncated",
    }
)
"""The bytes were read and do not decode: counted and listed, never good."""

UNREAD_KINDS = frozenset(
    {"io", "changed", "unsupported", "not-read", "too-large", "memory", "hang", "cpu", "crash", "bomb"}
)
"""Could not be read to the end: bounded by what they could hold."""


class ItemError(DqvError):
    """One item (or one object) that cannot be measured.

    Attributes:
        kind: one of DEFECTIVE_KINDS or UNREAD_KINDS.
        detail: what was found and where in the object, without any value of the data.
    """

    def __init__(self, kind: str, detail: str) -> None:
        if kind not in DEFECTIVE_KINDS | UNREAD_KINDS:
            raise ValueError(f"unknown kind of item error: {kind}")
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail

    @property
    def status(self) -> str:
        """`defective` or `unread`."""
        return "defective" if self.kind in DEFECTIVE_KINDS else "unread"

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"
