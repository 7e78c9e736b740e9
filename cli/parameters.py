"""The kinds of arguments that several commands take."""

import click

from kube.objects import ObjectName


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
