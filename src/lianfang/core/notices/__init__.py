"""Notices: what an account is told, in the app and by text message, in words that name nobody."""
