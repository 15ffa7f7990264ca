"""Do it for a whole row, column or run at once."""
