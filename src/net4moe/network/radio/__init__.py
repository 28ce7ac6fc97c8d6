"""How radio links carry bits: formulas and tables of the standards, one link per array entry."""
