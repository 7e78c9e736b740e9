"""Objects within objects: in maps, in texts of YAML, and in patches."""
