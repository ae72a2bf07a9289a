"""Command: incidents, response levels, task forces, meetings and directives with their receipts."""
