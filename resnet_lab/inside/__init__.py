"""Looking into trained nets."""
