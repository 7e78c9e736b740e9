"""Changes as text, JSON, CSV and HTML. Pure."""
