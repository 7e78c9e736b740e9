"""Tells of a report in the forms that people and programs read. Each form is a function from a report to a text."""
