"""From samples to figures, tables and verdicts. Most of it is pure."""
