"""Measurements on real servers: what an admission costs, and which worker class serves it best."""
