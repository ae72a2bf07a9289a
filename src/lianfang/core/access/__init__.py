"""Who may do what, where: accounts, roles as data, grants, posts, scope, commands, audit and privacy."""
