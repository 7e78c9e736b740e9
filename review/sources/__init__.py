"""Reads what people give to be reviewed: files, folders, streams. Every part of it knows its line and column."""
