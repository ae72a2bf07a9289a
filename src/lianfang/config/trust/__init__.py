"""Trusted HTTPS on a county's own server: a local authority, the server's certificate, and how phones come to trust it."""
