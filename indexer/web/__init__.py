"""Articles and feeds by address: for the command line only, never reached from HTTP."""
