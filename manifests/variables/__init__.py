"""Variables of workloads: what a pod template asks for, what the webhook makes of it, and the Secrets behind it."""
