"""What stands on the page, in which order and how much of it. `enforcer.telling.html` puts it into HTML."""
