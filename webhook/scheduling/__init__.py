"""Who works when: places, turns at the processor, memory and time, shared fairly among namespaces."""
