"""The audit trail: what is written of each admission, and how `keyhole audit` checks that nothing was changed.

It knows nothing of the webhook: whoever reads the trail does so on another machine, long afterwards.
"""
