"""Generated content as people use it: blocks with their limits, and files made from them."""
