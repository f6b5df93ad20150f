"""Homeroom: a school district's one-to-one device program, kept true by Apple School Manager."""

__version__ = "0.1.0"
