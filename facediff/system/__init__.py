"""What the machine gives: devices, files, containers of sound and video, the embedded weights."""
