"""What the house refuses, in a sentence for whoever asked."""


class Refusal(Exception):
    """Base of every refusal that a user meets: its text says what is wrong and what to do; nothing was written."""


class NotFound(Refusal):
    """What was asked for does not exist, or not in the asker's area: the two are told apart to nobody."""


class Conflict(Refusal):
    """Somebody else was first, or the record has moved on."""
