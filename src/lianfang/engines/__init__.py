"""Pure libraries, without Django and without a database; each could be published alone."""
