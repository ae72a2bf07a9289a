"""The pages of docs/reference, one module each; every page() returns Markdown made from the source."""
