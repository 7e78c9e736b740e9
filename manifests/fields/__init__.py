"""Where an object has references, and what fills each field. Nothing here knows the live object."""
