import http.server
import os
import ssl
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
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


class HttpsServer:
    """A real HTTPS server on loopback.

    Attributes:
        routes: path (with query, else without) → what to do with the handler of a request, or (status, headers, body).
        asked: method, path, headers and body of every request.
        ca: PEM file of the authority of its certificate.
    """

    def __init__(self, ca: Path, context: ssl.SSLContext) -> None:
        self.ca = ca
        self.routes: dict[str, Any] = {}
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.asked.append((self.command, self.path, headers, body))
                route = outer.routes.get(self.path) or outer.routes.get(self.path.partition("?")[0])
                if callable(route):
                    route = route(self)
                if route is not None:
                    self.reply(*route)
                elif self.path.partition("?")[0] not in outer.routes:
                    self.reply(404, {}, b"")

            do_GET = do_POST = answer

            def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    if value is not None:
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        class Listener(http.server.ThreadingHTTPServer):
            def finish_request(self, request: Any, address: Any) -> None:
                request.settimeout(5)
                with context.wrap_socket(request, server_side=True) as secured:
                    Handler(secured, address, self)

            def handle_error(self, *_: Any) -> None:
                pass  # clients that leave are what is tested

        self._listener = Listener(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.01,))
        self._thread.start()
        self.port = self._listener.server_address[1]
        self.url = f"https://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """An authority of certificates, and its own in a PEM file."""
    ca, path = trustme.CA(), tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return ca, path


@pytest.fixture
def server(authority: tuple[Any, Path], request: pytest.FixtureRequest) -> Iterator[HttpsServer]:
    """A server with a certificate for 127.0.0.1, or for the name that the test's parameter gives."""
    ca, path = authority
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(getattr(request, "param", "127.0.0.1")).configure_cert(context)
    found = HttpsServer(path, context)
    yield found
    found.close()
