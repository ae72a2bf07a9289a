"""Drills: the whole house exercised from outside, in a database of its own."""
