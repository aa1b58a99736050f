"""The local mailbox: it receives, stores and shows all mail of the stack. No mail leaves the machine."""
