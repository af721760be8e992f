package config

// Version is the latest release in CHANGELOG.md, as people are shown it.
const Version = "0.1.0"
