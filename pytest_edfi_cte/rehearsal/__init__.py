"""The wire witness: a product talks to a sandbox, and what the sandbox recorded is judged."""
