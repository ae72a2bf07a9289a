"""What crosses rooms, one file each: the facts of one room become the desires of another."""
