"""Screening: rounds of area testing, their rosters, coverage and missing people (区域核酸检测)."""
