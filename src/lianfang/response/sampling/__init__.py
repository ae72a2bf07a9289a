"""The running of sampling sites: who is called when, to which lane, by which crew, and who is sampled at home."""
