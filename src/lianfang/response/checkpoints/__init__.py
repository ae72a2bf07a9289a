"""Checkpoints: where, on whose order and until when, staffed by whom, and who passed."""
