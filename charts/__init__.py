"""The Helm charts, and what writes those of their files that follow from the code: `python -m charts`."""
