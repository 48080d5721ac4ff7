"""Nets: which engine, which model, opened and checked."""
