"""The other forms (variables, whole secrets, files, custom resources) under each client, on a testbed of their own."""
