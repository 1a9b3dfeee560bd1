"""What people think of videos: studies that are made, served as a page, and reported with intervals."""
