"""`erp-sidecar bundle`: what somebody who helps from afar has to know, without what he must not."""
