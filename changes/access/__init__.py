"""Who asks the page, and which namespaces they may see."""
