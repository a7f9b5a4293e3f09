"""The definitions of activations, one module a family."""
