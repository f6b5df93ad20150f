"""Files in: reading them, planning what they would change, and applying it all or not at all."""
