"""The Enforcer shows each night whether what is deployed still meets the standards, and what does not.

Facts are collected (`collecting`, into `facts`), judged (`judging`, by `standards`) and told (`telling`). No value of a
secret is ever in any of them.
"""
