"""The charts of a report, drawn as SVG by ourselves: vectors in print, colors of the page, and no library to load."""
