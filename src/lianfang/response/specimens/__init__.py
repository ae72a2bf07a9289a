"""Specimens: tubes, samples, custody and results (采送检报)."""
