"""People: households, residents, and how one person is told from another."""
