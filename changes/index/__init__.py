"""The index of audit trails: a file of SQLite, written from trails and read by views. It holds no value."""
