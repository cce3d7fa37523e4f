"""The finder: where in a photo the vehicles and vessels are. Its network, training, figures and model files."""
