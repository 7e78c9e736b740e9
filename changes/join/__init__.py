"""Which commit made a change that the trail has: exact, likely or unknown. Never guessed silently."""
