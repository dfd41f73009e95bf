"""Renders training data: furnished rooms, streets, close-ups and gardens with exact depth."""
