"""For who writes tables of scenarios: a first file, what it would send, what it would miss."""
