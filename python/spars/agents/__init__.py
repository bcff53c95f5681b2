"""PPO agents: the update, policies, networks, files."""

from spars.agents import ppo
from spars.agents.agent import PPO

__all__ = ["PPO", "ppo"]
