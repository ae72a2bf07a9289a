"""What comes in from the field sealed: parcels, their receipts, those that wait for a human; photos."""
