"""The protocols of the field: who is scored on what, tables, trivial predictors."""
