"""What all long-lived processes of Keyhole share: logs, polling, and the health listener."""
