"""What every adapter that speaks HTTP shares: the wire, the login, bodies."""
