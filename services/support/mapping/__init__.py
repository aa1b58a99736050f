"""Records of the domain as responses and events of the contract."""
