import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Machines of CI are slow and shared: an example may take long, which says nothing of the code.
settings.register_profile("dqv", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "fuzz", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=1000
)
settings.load_profile(os.environ.get("DQV_HYPOTHESIS", "dqv"))

ROOT = Path(__file__).parent.parent


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With DQV_NO_SKIP, as `make integration` has it, a skip is a failure."""
    report = yield
    if report.skipped and os.environ.get("DQV_NO_SKIP"):
        report.outcome = "failed"
        report.longrepr = f"skipped where a skip is a failure: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The shared third-party data; its absence is a failure in CI, a visible skip elsewhere."""
    folder = Path(os.environ.get("DQV_REALDATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"the real data is not at {folder}; set DQV_REALDATA")
        pytest.skip(f"the real data is not at {folder}; set DQV_REALDATA")
    return folder


@pytest.fixture(scope="session")
def scheduler() -> Iterator[str]:
    """The address of a cluster of two workers that all tests share."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # its HTTP server: any free port, not 8787
        memory_limit=0,
    ) as cluster:
        yield cluster.scheduler_address
