"""What a person runs by hand, in folders by purpose; nothing imports it."""
