"""Samplers that are exact in law: what lasers are compared with."""
