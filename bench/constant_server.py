"""A webhook that says the same whatever it is asked, on Keyhole's own server stack or on another worker class.

`/patch` writes one constant value into a Secret's `data`, `/allow` lets the object pass. It reads the review's uid and
writes the answer as Keyhole does, so the difference between the two servers is what Keyhole does in between.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flask import Flask

    from webhook.server import Server
    from webhook.settings import ServerSettings

KEY, CONSTANT_BASE64 = "password", "bWVhc3VyZWQtdmFsdWU="
OURS = "admission"
CLASSES = ("gthread", "gevent", "gevent_pywsgi", OURS)
THREADS = 4
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def constant_app() -> "Flask":
    """Return the application."""
    from flask import Flask, Response, request  # noqa: PLC0415 - after monkey patching

    from webhook.app import MAX_BODY_BYTES  # noqa: PLC0415
    from webhook.review import Answer, render  # noqa: PLC0415

    patch = json.dumps([{"op": "add", "path": "/data", "value": {KEY: CONSTANT_BASE64}}]).encode()
    app = Flask("constant", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES

    def answered(answer: Answer) -> Response:
        uid = json.loads(request.get_data(cache=False))["request"]["uid"]
        return Response(render(uid, answer), content_type="application/json")

    app.post("/patch")(lambda: answered(Answer(allowed=True, patch=patch)))
    app.post("/allow", endpoint="allow")(lambda: answered(Answer(allowed=True)))
    return app


def _server(settings: "ServerSettings", worker_class: str) -> "Server":
    from webhook.caller_modes import Anyone  # noqa: PLC0415 - after monkey patching
    from webhook.server import Server  # noqa: PLC0415
    from webhook.service import Service  # noqa: PLC0415

    class OtherClass(Server):
        """The same configuration with one of gunicorn's own worker classes, and gunicorn's own TLS context."""

        def load_config(self) -> None:
            super().load_config()
            self.cfg.set("worker_class", worker_class)
            self.cfg.set("threads", THREADS)
            self.cfg.set("ssl_context", _default_context)

    kind = Server if worker_class == OURS else OtherClass
    return kind(settings, lambda: Service(constant_app(), Anyone(), lambda: None, lambda: True))


def _default_context(_config: object, default: Callable[[], Any]) -> Any:
    return default()


@click.command()
@click.option("--worker-class", type=click.Choice(CLASSES), default=OURS, show_default=True)
@click.option("--tls-cert", type=_FILE, required=True)
@click.option("--tls-key", type=_FILE, required=True)
@click.option("--port", type=int, required=True, help="Admissions, on 127.0.0.1.")
@click.option("--health-port", type=int, required=True)
@click.option("--workers", type=int, default=2, show_default=True)
def main(*, worker_class: str, tls_cert: Path, tls_key: Path, port: int, health_port: int, workers: int) -> None:
    """Serve until SIGTERM."""
    if worker_class != "gthread":
        from gevent import monkey  # noqa: PLC0415 - only for these classes, and before all else

        monkey.patch_all()
    from webhook.settings import Address, ServerSettings  # noqa: PLC0415

    settings = ServerSettings(
        certificate_file=tls_cert,
        key_file=tls_key,
        listen=Address("127.0.0.1", port),
        health_listen=Address("127.0.0.1", health_port),
        workers=workers,
        drain_seconds=0.0,
        log_level="warning",
    )
    _server(settings, worker_class).run()


if __name__ == "__main__":
    main()
