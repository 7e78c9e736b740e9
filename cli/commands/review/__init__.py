"""The commands that judge what stands in a repository, before anything is applied."""
