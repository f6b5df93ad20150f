"""How replacements are shown to people, filtered and downloaded. What is matched with what is in `replacements/`."""
