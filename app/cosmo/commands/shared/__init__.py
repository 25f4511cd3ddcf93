"""What commands share: the settings document, speaking to a person, progress, and systemd."""
