"""Certificates: issued at completion, printed, signed, verified, revoked and renewed."""
