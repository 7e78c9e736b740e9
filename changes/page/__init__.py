"""The page: `keyhole page`, rendered by the server, with links and forms and no script."""
