"""What the application does for all its screens: notes, lists, the palette of commands, export."""
