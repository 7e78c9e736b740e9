"""What stands where in an object, and what happens to each of its fields. Pure: nothing here asks a server."""
