"""Command HQ in the browser."""
