"""One sync, step by step: listing → missing → coverage, over rows in the database.

Read `running.py` for the order of things; each step's file holds what that step asks Apple and what it writes.
Every batch is one transaction with its own checkpoint and is refused once another process owns the run.
"""
