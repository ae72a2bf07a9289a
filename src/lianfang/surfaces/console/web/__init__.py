"""The console's pages, one file for each line of work. Every change goes in as a command."""
