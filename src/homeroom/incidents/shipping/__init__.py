"""Sending devices to Apple and taking them back: preflight, shipments, the board of what is away."""
