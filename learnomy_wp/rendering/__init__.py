"""HTML of blocks, shortcodes and pages: one render function for the three faces of each thing."""
