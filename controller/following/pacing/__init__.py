"""When what is done, and how fast: schedule, budget, outages."""
