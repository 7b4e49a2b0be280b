"""Adapters for ERPs that speak SOAP; the only place that knows zeep and XML."""
