"""Zones under graded measures: needs checked before, conditions looked at daily, an end unless renewed."""
