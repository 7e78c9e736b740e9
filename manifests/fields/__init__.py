"""Where references stand in an object, and what fills a field. Nothing here knows the live object."""
