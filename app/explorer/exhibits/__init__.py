"""What pages and report show of one photo: figures with their data, one module a subject."""
