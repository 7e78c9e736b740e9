"""A moment for tests that need some."""

from datetime import UTC, datetime
from typing import Final

NOW: Final = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
