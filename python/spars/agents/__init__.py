"""PPO agents: the update, policies, networks, files."""
