"""The audit trail: what is written about each admission, and how `keyhole audit` checks that nothing was changed.

This room knows nothing of the webhook, because people read the trail on another machine, long afterwards.
"""
