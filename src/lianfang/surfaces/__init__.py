"""Ways in and out: console, field, reports, exchange."""
