"""The kinds of arguments that several commands take."""

from typing import TYPE_CHECKING

import click

from kube.objects import ObjectName

if TYPE_CHECKING:
    from webhook.settings import Address


class ObjectNameType(click.ParamType[ObjectName]):
    """NAMESPACE/NAME of an object."""

    name = "namespace/name"

    def convert(self, value: str | ObjectName, param: click.Parameter | None, ctx: click.Context | None) -> ObjectName:
        """Read it; a usage error when it is none (click's hook)."""
        if isinstance(value, ObjectName):
            return value
        try:
            return ObjectName.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class AddressType(click.ParamType["Address"]):
    """HOST:PORT to listen on; without a host every interface."""

    name = "host:port"

    def convert(self, value: "str | Address", param: click.Parameter | None, ctx: click.Context | None) -> "Address":
        """Read it; a usage error when it is none (click's hook)."""
        from webhook.settings import Address  # noqa: PLC0415 - `keyhole serve` imports rooms only once the library is patched

        if isinstance(value, Address):
            return value
        host, _, port = value.rpartition(":")
        if ":" not in value or not port.isascii() or not port.isdigit() or not 0 < int(port) < 2**16:
            self.fail(f"{value!r} is not HOST:PORT, such as 0.0.0.0:8443 or [::]:8443", param, ctx)
        return Address(host.strip("[]") or "0.0.0.0", int(port))  # noqa: S104 - ":8443" means every interface
