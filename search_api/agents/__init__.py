"""The engine as a tool of agents: the Model Context Protocol over stdio and HTTP."""
