"""Lianfang 联防: the outbreak-response command system of a county."""
