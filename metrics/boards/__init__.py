"""The boards: what each panel asks, in PromQL, and what it means. `charts.boards` writes them for Grafana and Perses.

`docs/boards.md` shows them.
"""
