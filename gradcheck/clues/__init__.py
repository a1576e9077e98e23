"""One file = one question asked of a case; the answers are clues that causes weigh."""
