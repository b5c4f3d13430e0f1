"""Screens: each shows one question and its answers."""
