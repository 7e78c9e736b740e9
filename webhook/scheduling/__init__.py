"""Who runs when: tickets, turns at the processor, memory and time, shared fairly among namespaces."""
