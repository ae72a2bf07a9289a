"""Quarantine orders with their legs, checks, tests, visits, releases and appeals."""
