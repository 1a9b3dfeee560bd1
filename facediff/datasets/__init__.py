"""What is trained and measured on: tables of recordings, footage, caches of examples."""
