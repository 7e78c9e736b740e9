"""The record key and its rotation, on a testbed of their own."""
