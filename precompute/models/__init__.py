"""Networks, as the papers define them."""
