"""Work that is left out since the reference says what comes of it."""
