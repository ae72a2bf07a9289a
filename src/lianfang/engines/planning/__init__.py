"""Planning by calculation: queues at sampling sites, without web framework and database."""
