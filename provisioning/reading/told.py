"""Messages for a person, who will not read ten thousand of them."""

from dataclasses import dataclass, field

_MOST_TOLD = 1000


@dataclass(slots=True)
class Told:
    """Messages in order, each once, and only as many as a person will read."""

    texts: dict[str, None] = field(default_factory=dict)
    left_out: int = 0

    def say(self, *texts: str) -> None:
        """Add messages. Beyond 1,000 they are only counted."""
        for text in texts:
            if text in self.texts or len(self.texts) < _MOST_TOLD:
                self.texts[text] = None
            else:
                self.left_out += 1

    def all(self) -> list[str]:
        """Return the messages, and as the last one how many more there were."""
        return [*self.texts, *([f"and {self.left_out} more"] if self.left_out else [])]
