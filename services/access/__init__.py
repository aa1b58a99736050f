"""Who may do what, the same in every service: the caller, the copy of memberships, the decision."""
