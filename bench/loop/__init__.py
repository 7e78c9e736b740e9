"""What following Vault costs, and how soon a change arrives: `python -m bench loop`."""
