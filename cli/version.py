"""The version of Keyhole, in one place."""

VERSION = "0.1.0"
