"""Positives, cases and their classes, investigations, contacts and contacts of contacts."""
