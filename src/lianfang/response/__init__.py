"""One room per line of work of the response."""
