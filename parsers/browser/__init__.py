"""Histories of browsers: `chromium` (Chrome, Edge and kin) and `firefox`, one parser each."""
