"""What a warp uncovers and no picture shows, drawn: teeth, the dark of a mouth, shut lids."""
