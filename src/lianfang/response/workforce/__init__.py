"""Workforce: organisations, responders, teams, deployments, volunteers, rosters and who was there."""
