"""Whatever comes, broken or drawn by chance: the gateway answers in its one form, soon, and is well afterwards."""
