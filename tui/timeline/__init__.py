"""Parts of the timeline's screen: each owns its state, and sees the others only through the stage."""
