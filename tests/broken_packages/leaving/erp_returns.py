"""A package that ends its process while it is imported."""

raise SystemExit(3)
