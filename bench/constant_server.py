"""A webhook that says the same whatever it is asked, on Keyhole's own server stack.

`/patch` writes one constant value into a Secret's `data`, `/allow` lets the object pass, and each form of
`testbed.load.forms` has a path that does to it about what Keyhole does. Callers prove themselves as they do to Keyhole,
the review's uid is read and the answer written as there, so the difference between the two servers is what Keyhole does
in between.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from testbed.load.forms import FORMS
from testbed.load.objects import CONSTANT_BASE64, KEY

if TYPE_CHECKING:
    from flask import Flask

    from webhook.callerauth.caller import Caller, CallerCheck
    from webhook.server.server import Server
    from webhook.server.serving_certificate import CertificateFiles
    from webhook.server.settings import ServerSettings

# Below these stand `/patch` and `/allow` once more, for the aggregation layer.
GROUP, VERSION = "constant.bench.keyhole.dev", "v1alpha1"
AGGREGATED_PATH = f"/apis/{GROUP}/{VERSION}"
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def constant_app() -> "Flask":
    """Return the application."""
    from flask import Flask, Response, request  # noqa: PLC0415 - after monkey patching

    from webhook.callerauth.discovery import add_discovery  # noqa: PLC0415
    from webhook.http.admission_review import render  # noqa: PLC0415
    from webhook.http.app import MAX_BODY_BYTES  # noqa: PLC0415
    from webhook.model import Answer  # noqa: PLC0415

    patch = json.dumps([{"op": "add", "path": "/data", "value": {KEY: CONSTANT_BASE64}}]).encode()
    app = Flask("constant", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES

    def answered(answer: Answer) -> Response:
        uid = json.loads(request.get_data(cache=False))["request"]["uid"]
        return Response(render(uid, answer), content_type="application/json")

    for prefix in ("", AGGREGATED_PATH):
        app.post(f"{prefix}/patch", endpoint=f"{prefix} patch")(lambda: answered(Answer(allowed=True, patch=patch)))
        app.post(f"{prefix}/allow", endpoint=f"{prefix} allow")(lambda: answered(Answer(allowed=True)))
    for form in FORMS:
        filling = Answer(allowed=True, patch=json.dumps(form.filled).encode())
        app.post(form.path, endpoint=form.path)(partial(answered, filling))
    add_discovery(app)
    resources = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{GROUP}/{VERSION}", "resources": []}
    app.get(AGGREGATED_PATH, endpoint="resources")(lambda: resources)
    return app


def caller_check(ca_file: Path | None, name: str, *, aggregated: bool) -> "CallerCheck":
    """Return Keyhole's own check of a caller with a certificate of that CA and name; without a CA, of none.

    An aggregated server's comes from the front proxy, which also asks for discovery, on behalf of others.
    """
    from kube.registration.request_header import RequestHeader  # noqa: PLC0415 - after monkey patching
    from webhook.callerauth.aggregation import Aggregation  # noqa: PLC0415
    from webhook.callerauth.client_certificate import ClientCertificate  # noqa: PLC0415
    from webhook.callerauth.modes import Anyone  # noqa: PLC0415

    class AlsoForDiscovery(Aggregation):
        """Lets anybody ask for discovery of the constant server's group, which the webhook's own check does not know.

        An admission is checked like Keyhole's.
        """

        def check(self, caller: "Caller") -> None:
            if caller.method != "GET":
                super().check(caller)

    if ca_file is None:
        return Anyone()
    names = frozenset({name})
    if not aggregated:
        return ClientCertificate(ca_file, names)
    return AlsoForDiscovery(lambda _: RequestHeader(ca_file.read_text(), names, ("X-Remote-User",), ""))


def _server(settings: "ServerSettings", files: "CertificateFiles", check: Callable[[], "CallerCheck"]) -> "Server":
    from metrics.meters import Meters  # noqa: PLC0415 - after monkey patching
    from webhook.assembly import Service  # noqa: PLC0415
    from webhook.http.guard import Guard  # noqa: PLC0415
    from webhook.server.server import Server  # noqa: PLC0415
    from webhook.server.serving_certificate import ServingCertificate  # noqa: PLC0415

    def build(_meters: Meters) -> Service:
        caller = check()
        caller.start()
        certificate = ServingCertificate.of_files(files)
        certificate.start()

        def close() -> None:
            certificate.close()
            caller.close()

        return Service(Guard(constant_app(), caller), caller, certificate, close)

    return Server(settings, build)


@click.command()
@click.option("--tls-cert", type=_FILE, required=True)
@click.option("--tls-key", type=_FILE, required=True)
@click.option("--port", type=int, required=True, help="Admissions, on 127.0.0.1.")
@click.option("--health-port", type=int, required=True)
@click.option("--workers", type=int, default=2, show_default=True)
@click.option("--caller-ca", type=_FILE, help="The CA of callers' certificates. Without it anybody may ask.")
@click.option("--caller-name", default="", help="The name in their certificate.")
@click.option("--aggregated", is_flag=True, help="Callers come through the aggregation layer.")
def main(
    *,
    tls_cert: Path,
    tls_key: Path,
    port: int,
    health_port: int,
    workers: int,
    caller_ca: Path | None,
    caller_name: str,
    aggregated: bool,
) -> None:
    """Serve until SIGTERM."""
    from gevent import monkey  # noqa: PLC0415 - before all else

    monkey.patch_all()
    from webhook.server.serving_certificate import CertificateFiles  # noqa: PLC0415
    from webhook.server.settings import Address, ServerSettings  # noqa: PLC0415

    settings = ServerSettings(
        listen=Address("127.0.0.1", port),
        health_listen=Address("127.0.0.1", health_port),
        workers=workers,
        drain_seconds=0.0,
        log_level="warning",
    )
    check = partial(caller_check, caller_ca, caller_name, aggregated=aggregated)
    _server(settings, CertificateFiles(tls_cert, tls_key), check).run()


if __name__ == "__main__":
    main()
