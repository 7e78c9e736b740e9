"""What stands where in an object: references by kind, and what happens to each field. Pure: no server is asked."""
