"""Phones and programs: commands in, receipts and duties out."""
