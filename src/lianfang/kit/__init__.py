"""Clocks, ids, codes and paging: the few things every floor needs."""
