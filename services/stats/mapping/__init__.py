"""Records of the domain as events of the contract."""
