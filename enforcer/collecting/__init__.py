"""Collects facts. The only modules of the Enforcer that ask anybody; each gives a section of the inventory."""
