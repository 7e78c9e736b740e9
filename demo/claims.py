"""What the demo claims, and whether it is so."""

from collections.abc import Iterable

from demo.errors import DemoError
from demo.screen import Screen


class Claims:
    """Checks one claim after the other and shows each with its outcome. What is claimed holds no value."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._count = 0
        self._broken: list[str] = []

    def check(self, claim: str, *, holds: bool) -> None:
        """Show the claim and take note of the outcome; a broken one does not end the demo at once."""
        self._count += 1
        self._screen.claim(claim, holds=holds)
        if not holds:
            self._broken.append(claim)

    def check_empty(self, claim: str, found: Iterable[str]) -> None:
        """Claim that nothing was found; whatever was found is named."""
        names = ", ".join(found)
        self.check(f"{claim} (found: {names})" if names else claim, holds=not names)

    def conclude(self) -> int:
        """Return how many claims held. Raises DemoError, with every broken claim, when not all did."""
        if self._broken:
            broken = "\n".join(f"  {claim}" for claim in self._broken)
            raise DemoError(f"{len(self._broken)} of {self._count} claims do not hold:\n{broken}")
        return self._count
