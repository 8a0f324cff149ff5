"""Two languages: text, its language, and numbers, money, dates and durations as people of each read them."""
