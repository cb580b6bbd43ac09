"""A real S3 server on loopback, whose answers a test can spoil."""

import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from moto.moto_api._internal.models import MotoAPIBackend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

KEY, SECRET = "test-access-key", "a-secret-that-must-not-be-seen"

Spoil = Callable[[str, Any], Any]


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        pass


class Server:
    """S3 on loopback.

    Attributes:
        endpoint: its address.
        env: what a process needs to use it.
        client: boto3's.
        spoil: asked before each request with its path and environment; what it returns, unless None, is the answer
            (a WSGI application).
    """

    def __init__(self, context: ssl.SSLContext | None, ca: Path | None) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server(
            "127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet, ssl_context=context
        )
        self.endpoint = f"{'http' if context is None else 'https'}://127.0.0.1:{self._server.server_port}"
        self.env = {
            "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
        }  # fmt: skip
        self.spoil: Spoil = lambda path, environ: None
        self.client = boto3.client(
            "s3", endpoint_url=self.endpoint, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1",
            verify=None if ca is None else str(ca),
        )  # fmt: skip

    def _answer(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        other = self.spoil(environ["PATH_INFO"], environ)
        answer: Iterable[bytes] = (other or self._app)(environ, start)
        return answer

    def upload(self, folder: Path, bucket: str, prefix: str = "") -> None:
        """Put all files of a folder into a bucket, made anew."""
        self.client.create_bucket(Bucket=bucket)
        for path in folder.rglob("*"):
            if path.is_file():
                self.client.upload_file(str(path), bucket, prefix + path.relative_to(folder).as_posix())


@contextmanager
def serving(context: ssl.SSLContext | None = None, ca: Path | None = None) -> Iterator[Server]:
    """A server that stops at the end; with a context over TLS, by an authority."""
    server = Server(context, ca)
    thread = threading.Thread(target=server._server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server._server.shutdown()
        server._server.server_close()
        thread.join()
        MotoAPIBackend("us-east-1", "1").reset()  # its buckets are of the whole process


def failing(status: str) -> Any:
    """A WSGI application that answers with a status and nothing else."""

    def answer(environ: Any, start: Any) -> list[bytes]:
        start(status, [("Content-Length", "0")])
        return [b""]

    return answer
