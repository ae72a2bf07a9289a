"""Reports: daily and nil reports frozen from records, and a press report's words beside what the records count."""
