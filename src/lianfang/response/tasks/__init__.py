"""Pieces of work in the field: patrols, clean-up, deliveries, inspections, and the hazards and findings behind them."""
