"""`gradcheck watch`, as a stranger who wants to break it."""
