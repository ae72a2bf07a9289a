"""What a phone carries: buckets of rows, each with a digest, so that only what differs is sent again."""
