"""The client side of the wire: session, discovery, token, retries, evidence."""
