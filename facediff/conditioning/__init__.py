"""What denoisers are told: encoders of sound, landmarks, pose and appearance, and the record they fill."""
