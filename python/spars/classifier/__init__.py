"""The object presence classifier: network, training, explanation, export."""
