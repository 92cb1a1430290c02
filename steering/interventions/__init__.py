"""What is done to a clip: concepts with strength, schedule, layers, gate and operator."""
