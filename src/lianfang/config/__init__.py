"""Settings, addresses, command line and server: the only floor that knows the whole house."""
