"""`erp-sidecar top`: what is looked at, what a screen shows of it, and the terminal it is on."""
