"""Values in the real Vault, each with the run's canary in it."""

from collections.abc import Mapping

from testbed import Testbed
from tests.e2e.canary import Canary


class Planter:
    """Writes secrets below a folder of a mount, with the root token."""

    def __init__(self, bed: Testbed, canary: Canary, folder: str = "e2e") -> None:
        self._bed = bed
        self._folder = folder
        self._canary = canary

    def value(self, tail: str = "") -> str:
        """Return a value that contains the canary and that no other call returns."""
        return self._canary.value(tail)

    def secret(self, name: str, *fields: str, mount: str = "secret", version: int = 2) -> dict[str, str]:
        """Write a secret with a new value in each field and return them."""
        values = {field: self.value() for field in fields or ("password",)}
        self.write(name, values, mount=mount, version=version)
        return values

    def write(self, name: str, fields: Mapping[str, object], *, mount: str = "secret", version: int = 2) -> None:
        """Write exactly these fields."""
        kv = self._bed.vault.client().secrets.kv
        if version == 1:
            kv.v1.create_or_update_secret(f"{self._folder}/{name}", dict(fields), mount_point=mount)
        else:
            kv.v2.create_or_update_secret(f"{self._folder}/{name}", dict(fields), mount_point=mount)
