"""The five newspaper reports as scripts that act only through public actions, on a moved clock."""
