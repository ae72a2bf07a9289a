"""Territory: divisions down to hamlets and grids, places, boundaries, chains of responsibility."""
