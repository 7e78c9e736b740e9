"""The tests: a folder for each room, and tests/e2e for what runs on real servers."""
