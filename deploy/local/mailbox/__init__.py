"""The local mailbox: takes every mail that the house sends, keeps it, and shows it. No mail leaves the machine."""
