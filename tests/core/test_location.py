"""What is taken for the place of a dataset."""

from pathlib import Path

import pytest

from dqv.core.errors import UsageError
from dqv.core.location import located


def test_a_path_is_a_folder_of_this_machine(tmp_path: Path) -> None:
    assert located(str(tmp_path)).url == str(tmp_path)
    assert located(str(tmp_path)).is_local


@pytest.mark.parametrize("url", ["s3://bucket/a b/?", "https://host.example:8443/folder/", "memory://x"])
def test_a_url_stays_as_it_is(url: str) -> None:
    assert located(url).url == url


@pytest.mark.parametrize("url", ["file:///data", "FILE:///data", "local:///data"])
def test_a_folder_is_not_named_by_a_url(url: str) -> None:
    """What fsspec reads of it follows links, out of the folder too, and waits for FIFOs."""
    with pytest.raises(UsageError, match="give the path of the folder itself"):
        located(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:SECRET@host.example/x",
        "s3://key:SECRET@bucket/x",
        "https://host.example/x.jsonl?X-Amz-Signature=SECRET",
        "https://host.example/x/?SECRET",
    ],
)
def test_an_address_with_a_secret_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        located(url)
    assert "SECRET" not in str(caught.value)


def test_http_is_refused() -> None:
    with pytest.raises(UsageError, match="https"):
        located("http://host.example/x")
