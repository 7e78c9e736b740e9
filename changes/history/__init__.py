"""The history of repositories: which commit wrote which reference into which field of which object."""
