"""Films: settings that change from frame to frame, and films read, followed and written."""
