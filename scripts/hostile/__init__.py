"""Odd, broken and hostile files and calls, all made by program: nothing here was downloaded."""
