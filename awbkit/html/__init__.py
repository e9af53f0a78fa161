"""What pages and charts are made of: the frame of a page, its basic style, scales, and SVG elements."""
